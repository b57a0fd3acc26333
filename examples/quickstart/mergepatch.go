package main

import "encoding/json"

// mergePatch returns doc with a JSON merge patch (RFC 7396) applied: members of
// the patch replace those of the document, and null removes one. Its error is a
// *requestError if what is left is no document.
func mergePatch(doc Document, patch []byte) (Document, error) {
	before, err := json.Marshal(doc)
	if err != nil {
		return Document{}, err
	}
	var target, change any
	if err := json.Unmarshal(before, &target); err != nil {
		return Document{}, err
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return Document{}, err
	}
	after, err := json.Marshal(merge(target, change))
	if err != nil {
		return Document{}, err
	}
	return parseDocument(after, "the patch does not leave a document behind")
}

// merge is MergePatch of RFC 7396, section 2.
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	members, ok := target.(map[string]any)
	if !ok {
		members = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(members, name)
		} else {
			members[name] = merge(members[name], value)
		}
	}
	return members
}
