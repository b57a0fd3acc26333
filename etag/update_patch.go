package etag

import (
	"encoding/json"
	"reflect"
)

// mergePatch is the JSON merge patch (RFC 7396) that makes after of before.
func mergePatch(before, after []byte) ([]byte, error) {
	from, err := decode[any](before)
	if err != nil {
		return nil, err
	}
	to, err := decode[any](after)
	if err != nil {
		return nil, err
	}
	return json.Marshal(difference(from, to))
}

// difference is the patch that makes to of from. Only objects are gone into:
// anything else, arrays too, is replaced whole. A member that is null in to is
// taken away, since a patch cannot say null otherwise.
func difference(from, to any) any {
	old, isObject := from.(map[string]any)
	changed, becomesObject := to.(map[string]any)
	if !isObject || !becomesObject {
		return to
	}
	patch := make(map[string]any)
	for name := range old {
		if _, stays := changed[name]; !stays {
			patch[name] = nil
		}
	}
	for name, value := range changed {
		was, had := old[name]
		if !had || !reflect.DeepEqual(was, value) {
			patch[name] = difference(was, value)
		}
	}
	return patch
}
