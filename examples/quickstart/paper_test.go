package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestRequestsArePrintedAsTypedForCurl(t *testing.T) {
	var out strings.Builder
	newPaper(&out).request("http://h", patch("/documents/1", `{"title":"Ann's"}`, `If-Match: "a"`))
	want := `
$ curl -i -X PATCH http://h/documents/1 \
    -H 'If-Match: "a"' \
    -H 'Content-Type: application/merge-patch+json' \
    -d '{"title":"Ann'\''s"}'

`
	if out.String() != want {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
}

func TestAURLThatAShellWouldExpandIsQuoted(t *testing.T) {
	var out strings.Builder
	newPaper(&out).request("http://h", get("/payments?slow=2s"))
	if want := "\n$ curl -i 'http://h/payments?slow=2s'\n\n"; out.String() != want {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
}

func TestAnswersArePrintedAsByCurl(t *testing.T) {
	var out strings.Builder
	newPaper(&out).answer(answer{
		proto:  "HTTP/1.1",
		status: "200 OK",
		header: http.Header{"Vary": {"Accept", "Origin"}, "Etag": {`"a"`}},
		body:   "{\"a\":1}\n",
	}, false)
	want := "HTTP/1.1 200 OK\nEtag: \"a\"\nVary: Accept\nVary: Origin\n\n{\"a\":1}\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestOnlyJSONTooLongForALineIsIndented(t *testing.T) {
	long := strings.Repeat("x", width)
	for body, want := range map[string]string{
		`{"a":1}`:              `{"a":1}`,
		`{"a":"` + long + `"}`: "{\n  \"a\": \"" + long + "\"\n}",
		long + " text":         long + " text",
	} {
		if got := readable(body); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestALargeRequestIsPrintedAsAPipe(t *testing.T) {
	var out strings.Builder
	newPaper(&out).request("http://h", as("ann", request{method: "POST", path: "/payments", zeros: 9, cut: true}))
	want := "\n$ head -c 9 /dev/zero |\n  curl -i -u ann: -X POST http://h/payments \\\n    --data-binary @- | cut -c 1-80\n\n"
	if out.String() != want {
		t.Errorf("%s\nwant %s", out.String(), want)
	}
}

func TestLongLinesAreCutWhereTheCommandSaysSo(t *testing.T) {
	var out strings.Builder
	newPaper(&out).answer(answer{proto: "HTTP/1.1", status: "200 OK", body: strings.Repeat("x", width+1) + "\nshort\n"}, true)
	if want := "HTTP/1.1 200 OK\n\n" + strings.Repeat("x", width) + "\nshort\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
