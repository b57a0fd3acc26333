package main

import (
	"encoding/json"
	"errors"
	"testing"
)

// The examples of RFC 7396, Appendix A.
func TestMergeIsThatOfTheRFC(t *testing.T) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		t.Run(c.target+" and "+c.patch, func(t *testing.T) {
			var target, patch any
			if err := errors.Join(json.Unmarshal([]byte(c.target), &target), json.Unmarshal([]byte(c.patch), &patch)); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(merge(target, patch))
			if string(got) != c.want || err != nil {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestAPatchLeavesADocument(t *testing.T) {
	before := Document{Title: "A", Body: "a"}
	for _, c := range []struct {
		name, patch string
		want        Document // zero: refused
	}{
		{"one member", `{"body":"b"}`, Document{Title: "A", Body: "b"}},
		{"null empties a member", `{"body":null}`, Document{Title: "A"}},
		{"nothing", `{}`, before},
		{"an unknown member is dropped", `{"colour":"red"}`, before},
		{"the title may not go", `{"title":null}`, Document{}},
		{"null is no document", `null`, Document{}},
		{"a list is no document", `[1]`, Document{}},
		{"a member of another type", `{"title":{"a":1}}`, Document{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := mergePatch(before, []byte(c.patch))
			var bad *requestError
			if got != c.want || errors.As(err, &bad) != (c.want == Document{}) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}
