package etag

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMergePatchIsWhatHasChanged(t *testing.T) {
	for name, c := range map[string]struct{ before, after, want string }{
		"nothing":              {`{"a":1,"b":[1]}`, `{"b":[1],"a":1}`, `{}`},
		"a value":              {`{"a":1,"b":2}`, `{"a":1,"b":3}`, `{"b":3}`},
		"a new member":         {`{}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		"a member less":        {`{"a":1,"b":2}`, `{"b":2}`, `{"a":null}`},
		"a member set to null": {`{"a":1}`, `{"a":null}`, `{"a":null}`},
		"deep down":            {`{"a":{"b":{"c":1,"d":2}}}`, `{"a":{"b":{"c":3,"d":2}}}`, `{"a":{"b":{"c":3}}}`},
		"arrays go whole":      {`{"a":[1,2,3]}`, `{"a":[1,2]}`, `{"a":[1,2]}`},
		"an object for none":   {`{"a":1}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		"none for an object":   {`{"a":{"b":1}}`, `{"a":1}`, `{"a":1}`},
		"no objects":           {`1`, `"two"`, `"two"`},
		"digits":               {`{"a":12345678901234567890}`, `{"a":12345678901234567891}`, `{"a":12345678901234567891}`},
	} {
		got, err := mergePatch([]byte(c.before), []byte(c.after))
		require.NoError(t, err, name)
		assert.JSONEq(t, c.want, string(got), name)
	}
	_, err := mergePatch([]byte(`{`), []byte(`{}`))
	require.Error(t, err)
	_, err = mergePatch([]byte(`{}`), []byte(`{`))
	require.Error(t, err)
}

// FuzzMergePatch: whoever applies the patch as RFC 7396 says has the value after
// the change, but for what is null in it.
func FuzzMergePatch(f *testing.F) {
	f.Add([]byte(`{"a":{"b":1},"c":[null],"d":null}`), []byte(`{"a":{"b":null,"c":{"d":null}},"c":[1]}`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		patch, err := mergePatch(before, after)
		if err != nil {
			return
		}
		from, err := decode[any](before)
		require.NoError(t, err)
		to, err := decode[any](after)
		require.NoError(t, err)
		change, err := decode[any](patch)
		require.NoError(t, err)
		got, err := json.Marshal(withoutNull(applied(from, change)))
		require.NoError(t, err)
		want, err := json.Marshal(withoutNull(to))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got))
	})
}

// applied is MergePatch of RFC 7396 section 2.
func applied(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	members := map[string]any{}
	if old, ok := target.(map[string]any); ok {
		for name, v := range old {
			members[name] = v
		}
	}
	for name, v := range changes {
		if v == nil {
			delete(members, name)
			continue
		}
		members[name] = applied(members[name], v)
	}
	return members
}

// withoutNull takes away the members that are null, but not what is in arrays.
func withoutNull(v any) any {
	members, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for name, v := range members {
		if v != nil {
			out[name] = withoutNull(v)
		}
	}
	return out
}
