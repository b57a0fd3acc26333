package etag_test

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/concordhttp/concord/etag"
)

func ExampleParse() {
	tag, err := etag.Parse(`W/"v1,draft"`)
	fmt.Println(tag, tag.Opaque(), tag.IsWeak(), err)

	_, err = etag.Parse(`v1`)
	fmt.Println(err)
	// Output:
	// W/"v1,draft" v1,draft true <nil>
	// etag: ETag is malformed: not one entity tag
}

func ExampleOf() {
	fmt.Println(etag.Of([]byte(`{"title":"Minutes"}`)))
	// Output: "ToEoceZ_cWhACPgFh1Ltlw"
}

func ExampleFromVersion() {
	tag := etag.FromVersion(7)
	version, ok := tag.Version()
	fmt.Println(tag, version, ok)
	// Output: "v7" 7 true
}

func ExampleStrongMatch() {
	strong, _ := etag.Parse(`"a"`)
	weak, _ := etag.Parse(`W/"a"`)
	fmt.Println(etag.StrongMatch(strong, weak), etag.WeakMatch(strong, weak))
	// Output: false true
}

func ExampleParsePreconditions() {
	h := http.Header{}
	h.Add("If-Match", `"v6", "v7"`)
	h.Add("If-None-Match", `v1`) // not in quotes

	p, err := etag.ParsePreconditions(h)
	tags, star := p.IfMatch()
	fmt.Println(tags, star)

	var field *etag.FieldError
	if errors.As(err, &field) {
		fmt.Println(field.Field, "is", field.Reason)
	}
	// Output:
	// ["v6" "v7"] false
	// If-None-Match is not a list of entity tags
}

func ExamplePreconditions_Evaluate() {
	p, err := etag.ParsePreconditions(http.Header{"If-Match": {`"v6"`}})
	if err != nil {
		panic(err)
	}
	stale := p.Evaluate(http.MethodPut, etag.State{Exists: true, Tag: etag.FromVersion(7)})
	fresh := p.Evaluate(http.MethodPut, etag.State{Exists: true, Tag: etag.FromVersion(6)})
	fmt.Println(stale.Verdict, stale.Field)
	fmt.Println(fresh.Verdict)
	// Output:
	// failed If-Match
	// proceed
}

func ExampleKeyed() {
	// From the server's configuration: the same on every server.
	secret := []byte("32 bytes or more from a good RNG")

	hasher, err := etag.Keyed(secret)
	if err != nil {
		panic(err)
	}
	fmt.Println(hasher.Sum([]byte(`{"title":"Minutes"}`)))

	_, err = etag.Keyed([]byte("too short"))
	fmt.Println(err)
	// Output:
	// "5IoNSsxLC0SlyklH2zrupg"
	// etag: secret of 9 bytes, the minimum is 32
}
