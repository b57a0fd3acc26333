package idempotency

import (
	"bytes"
	"io"
	mimemultipart "mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// upload is a form as browsers send it, with its boundary written as @.
const upload = "--@\r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n1\r\n" +
	"--@\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\na\r\nb\n\r\n" +
	"--@--\r\n"

// form is a request with a multipart body, in which @ is the boundary.
func form(boundary, body string) asked {
	return payment().with(func(a *asked) {
		a.types = []string{`multipart/form-data; boundary="` + boundary + `"`}
		a.body = strings.ReplaceAll(body, "@", boundary)
	})
}

func TestMultipartBoundaryDoesNotCount(t *testing.T) {
	for name, body := range map[string]string{
		"a form":                                     upload,
		"a form without fields":                      "--@--\r\n",
		"no line break at the end":                   "--@\r\n\r\nx\r\n--@--",
		"a part without fields":                      "--@\r\n\r\nx\r\n--@--\r\n",
		"a part without content":                     "--@\r\nA: b\r\n\r\n\r\n--@--\r\n",
		"text around the parts":                      "before\r\n--@\r\n\r\nx\r\n--@--\r\nbehind",
		"a line break before the first boundary":     "\r\n--@\r\n\r\nx\r\n--@--\r\n",
		"content with line breaks, dashes and zeros": "--@\r\n\r\n\r\n\r\n--\r\n-\x00\xff\r\r\n\r\n--@--\r\n",
		"fields with odd spacing":                    "--@\r\nA:b\r\nC: \t d \t\r\nE:\r\n\r\nx\r\n--@--\r\n",
		"a field that is not ASCII":                  "--@\r\nContent-Disposition: form-data; name=\"\u00e4\"\r\n\r\nx\r\n--@--\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			want := form("b", body).fingerprint()
			for _, boundary := range []string{
				"c", "----WebKitFormBoundary7MA4YWxkTrZu0gW", strings.Repeat("b", 70), "a b", "'()+_,-./:=?", "--", "0",
			} {
				assert.Equal(t, want, form(boundary, body).fingerprint(), boundary)
			}
			_, ok := parseMultipart(form("b", body).types[0], []byte(form("b", body).body))
			assert.True(t, ok)
		})
	}
}

func TestMultipartOrderOfFieldsDoesNotCount(t *testing.T) {
	want := form("b", "--@\r\nA: 1\r\nB: 2\r\nB: 3\r\n\r\nx\r\n--@--").fingerprint()
	for name, body := range map[string]string{
		"another order":         "--@\r\nB: 2\r\nA: 1\r\nB: 3\r\n\r\nx\r\n--@--",
		"names in lower case":   "--@\r\nb: 2\r\nb: 3\r\na: 1\r\n\r\nx\r\n--@--",
		"blanks around a value": "--@\r\nA:1\r\nB:\t2 \r\nB:3\r\n\r\nx\r\n--@--",
	} {
		assert.Equal(t, want, form("c", body).fingerprint(), name)
	}
	assert.NotEqual(t, want, form("b", "--@\r\nA: 1\r\nB: 3\r\nB: 2\r\n\r\nx\r\n--@--").fingerprint(),
		"of fields with one name the order counts")
}

func TestMultipartOrderOfParametersDoesNotCount(t *testing.T) {
	of := func(contentType string) fingerprint {
		return form("b", upload).with(func(a *asked) { a.types = []string{contentType} }).fingerprint()
	}
	want := of("multipart/related; boundary=b; start=x; type=y")
	for range 20 { // maps are ranged over in another order each time
		assert.Equal(t, want, of("multipart/related; type=y; boundary=b; start=x"))
	}
	assert.Equal(t, want, of(`Multipart/Related;TYPE="y";Start=x;Boundary="b"`))
	assert.NotEqual(t, want, of("multipart/related; boundary=b; start=y; type=x"))
}

func TestMultipartTellsApart(t *testing.T) {
	seen := distinct{}
	for name, body := range map[string]string{
		"a part":                                  "--@\r\nA: b\r\n\r\nx\r\n--@--",
		"other content":                           "--@\r\nA: b\r\n\r\ny\r\n--@--",
		"no content":                              "--@\r\nA: b\r\n\r\n\r\n--@--",
		"a line break behind the content":         "--@\r\nA: b\r\n\r\nx\r\n\r\n--@--",
		"a line break before the content":         "--@\r\nA: b\r\n\r\n\r\nx\r\n--@--",
		"another value":                           "--@\r\nA: c\r\n\r\nx\r\n--@--",
		"another name":                            "--@\r\nB: b\r\n\r\nx\r\n--@--",
		"no field":                                "--@\r\n\r\nx\r\n--@--",
		"the field as content":                    "--@\r\n\r\nA: b\r\n\r\nx\r\n--@--",
		"the field twice":                         "--@\r\nA: b\r\nA: b\r\n\r\nx\r\n--@--",
		"two values in one field":                 "--@\r\nA: b, b\r\n\r\nx\r\n--@--",
		"the part twice":                          "--@\r\nA: b\r\n\r\nx\r\n--@\r\nA: b\r\n\r\nx\r\n--@--",
		"an empty part in front":                  "--@\r\n\r\n\r\n--@\r\nA: b\r\n\r\nx\r\n--@--",
		"an empty part behind":                    "--@\r\nA: b\r\n\r\nx\r\n--@\r\n\r\n\r\n--@--",
		"no part":                                 "--@--",
		"text before":                             "x\r\n--@\r\nA: b\r\n\r\nx\r\n--@--",
		"text behind":                             "--@\r\nA: b\r\n\r\nx\r\n--@--\r\nx",
		"a line break behind":                     "--@\r\nA: b\r\n\r\nx\r\n--@--\r\n",
		"a line break before":                     "\r\n--@\r\nA: b\r\n\r\nx\r\n--@--",
		"two parts":                               "--@\r\n\r\nx\r\n--@\r\n\r\ny\r\n--@--",
		"the same in the other order":             "--@\r\n\r\ny\r\n--@\r\n\r\nx\r\n--@--",
		"a field that moves from part to part, 1": "--@\r\nA: b\r\n\r\nx\r\n--@\r\n\r\nx\r\n--@--",
		"a field that moves from part to part, 2": "--@\r\n\r\nx\r\n--@\r\nA: b\r\n\r\nx\r\n--@--",
		"another boundary as content":             "--@\r\n\r\nx\r\n--zzz\r\n\r\ny\r\n--@--",
	} {
		a := form("bbb", body)
		_, ok := parseMultipart(a.types[0], []byte(a.body))
		require.True(t, ok, name)
		seen.add(t, name, a.fingerprint())
		seen.add(t, name+", with another media type", a.with(func(a *asked) {
			a.types = []string{"multipart/mixed; boundary=bbb"}
		}).fingerprint())
		seen.add(t, name+", with a parameter", a.with(func(a *asked) {
			a.types = []string{"multipart/form-data; boundary=bbb; charset=utf-8"}
		}).fingerprint())
		seen.add(t, name+", as bytes", a.with(func(a *asked) { a.types = []string{"text/plain"} }).fingerprint())
	}
}

// TestMultipartTakenAsBytes has what is not multipart without a flaw, so that
// nothing is left out that a handler may read. A change of the boundary counts
// then.
func TestMultipartTakenAsBytes(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":                                "",
		"no boundary":                            "x",
		"no end":                                 "--@\r\n\r\nx\r\n",
		"no end, cut off in the boundary":        "--@\r\n\r\nx\r\n--@",
		"no end, cut off in the dashes":          "--@\r\n\r\nx\r\n--@-",
		"text on the last line":                  "--@\r\n\r\nx\r\n--@--x",
		"a line feed on the last line":           "--@\r\n\r\nx\r\n--@--\n",
		"a boundary behind the end":              "--@\r\n\r\nx\r\n--@--\r\n--@\r\n\r\ny\r\n--@--",
		"a boundary in the last text":            "--@\r\n\r\nx\r\n--@--\r\n y --@",
		"a boundary in the first text":           "y --@\r\n--@\r\n\r\nx\r\n--@--",
		"a boundary in the content":              "--@\r\n\r\nx --@ y\r\n--@--",
		"a boundary in a field":                  "--@\r\nA: --@\r\n\r\nx\r\n--@--",
		"a longer boundary":                      "--@\r\n\r\nx\r\n--@y\r\n\r\ny\r\n--@--",
		"a boundary behind a line feed":          "--@\r\n\r\nx\n--@--",
		"line feeds alone":                       "--@\n\nx\n--@--\n",
		"a blank behind the boundary":            "--@ \r\n\r\nx\r\n--@--",
		"a tab behind the end":                   "--@\r\n\r\nx\r\n--@--\t",
		"a part without its empty line":          "--@\r\nA: b\r\n--@--",
		"a part that shares its line break":      "--@\r\n\r\n--@--",
		"a part of nothing at all":               "--@\r\n--@--",
		"a field over two lines":                 "--@\r\nA: b\r\n c\r\n\r\nx\r\n--@--",
		"a field without a colon":                "--@\r\nA\r\n\r\nx\r\n--@--",
		"a field without a name":                 "--@\r\n: b\r\n\r\nx\r\n--@--",
		"a blank behind a name":                  "--@\r\nA : b\r\n\r\nx\r\n--@--",
		"a line feed in a field":                 "--@\r\nA: b\nC: d\r\n\r\nx\r\n--@--",
		"a carriage return in a field":           "--@\r\nA: b\rC: d\r\n\r\nx\r\n--@--",
		"NUL in a field":                         "--@\r\nA: b\x00\r\n\r\nx\r\n--@--",
		"too many fields":                        "--@" + strings.Repeat("\r\nA: b", maxPartFields+1) + "\r\n\r\nx\r\n--@--",
		"too many parts":                         strings.Repeat("--@\r\n\r\n\r\n", maxParts+1) + "--@--",
		"a thousand times too many parts":        strings.Repeat("--@\r\n\r\n\r\n", 1000*maxParts) + "--@--",
		"a thousand times too many fields":       "--@" + strings.Repeat("\r\nA: b", 1000*maxPartFields) + "\r\n\r\nx\r\n--@--",
		"text before, without a line break":      "x--@\r\n\r\nx\r\n--@--",
		"text before, with a line feed":          "x\n--@\r\n\r\nx\r\n--@--",
		"the dashes alone, without a line break": "--@--\r",
	} {
		t.Run(name, func(t *testing.T) {
			one, other := form("bbb", body), form("ccc", body)
			_, ok := parseMultipart(one.types[0], []byte(one.body))
			assert.False(t, ok)
			assert.NotEqual(t, one.fingerprint(), other.fingerprint())
			assert.Equal(t, one.fingerprint(), form("bbb", body).fingerprint())
		})
	}
	for name, test := range map[string]struct {
		boundary string // in the body, as whoever is less strict would take it
		types    []string
	}{
		"no content type":                  {"b", nil},
		"no boundary in the content type":  {"", []string{"multipart/form-data"}},
		"an empty boundary":                {"", []string{`multipart/form-data; boundary=""`}},
		"two boundaries":                   {"b", []string{"multipart/form-data; boundary=b; boundary=c"}},
		"a boundary of 71 characters":      {strings.Repeat("b", 71), []string{"multipart/form-data; boundary=" + strings.Repeat("b", 71)}},
		"a boundary that ends in a blank":  {"b ", []string{`multipart/form-data; boundary="b "`}},
		"a boundary with a line break":     {"b\r\n", []string{"multipart/form-data; boundary*=utf-8''b%0D%0A"}},
		"another character in a boundary":  {"b!", []string{"multipart/form-data; boundary=b!"}},
		"a parameter that is not a token":  {"b", []string{"multipart/form-data; boundary=b; ="}},
		"a content type that is too long":  {"b", []string{"multipart/form-data; boundary=b; a=" + strings.Repeat("a", maxMultipartType)}},
		"two content types":                {"b", []string{"multipart/form-data; boundary=b", "multipart/form-data; boundary=b"}},
		"a type that only begins so":       {"b", []string{"multipartx/form-data; boundary=b"}},
		"a type without its second half":   {"b", []string{"multipart; boundary=b"}},
		"a type that is of another family": {"b", []string{"message/multipart; boundary=b"}},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.ReplaceAll(upload, "@", test.boundary)
			a := payment().with(func(a *asked) { a.types, a.body = test.types, body })
			want := takeDigest()
			want.addText(fingerprintLabel)
			want.addTarget(a.request())
			want.addByte(contentBytes)
			want.addLength(len(test.types))
			for _, contentType := range test.types {
				want.addText(contentType)
			}
			want.addText(body)
			assert.Equal(t, want.sum(), a.fingerprint())
		})
	}
}

func TestMultipartLimitsAreReached(t *testing.T) {
	for name, body := range map[string]string{
		"parts":  strings.Repeat("--@\r\n\r\n\r\n", maxParts) + "--@--",
		"fields": "--@" + strings.Repeat("\r\nA: b", maxPartFields) + "\r\n\r\nx\r\n--@--",
	} {
		assert.Equal(t, form("b", body).fingerprint(), form("c", body).fingerprint(), name)
	}
}

// TestMultipartOfTheStandardLibrary sends what Go clients send, twice.
func TestMultipartOfTheStandardLibrary(t *testing.T) {
	attempt := func(amount string) asked {
		var body bytes.Buffer
		w := mimemultipart.NewWriter(&body)
		require.NoError(t, w.WriteField("amount", amount))
		file, err := w.CreateFormFile("file", "a.txt")
		require.NoError(t, err)
		_, err = io.WriteString(file, "content\r\n")
		require.NoError(t, err)
		_, err = w.CreatePart(textproto.MIMEHeader{"B": {"1", "2"}, "A": {"3"}, "C": {"4"}})
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return payment().with(func(a *asked) { a.types, a.body = []string{w.FormDataContentType()}, body.String() })
	}
	first, second := attempt("1"), attempt("1")
	require.NotEqual(t, first.body, second.body, "boundaries are random")
	assert.Equal(t, first.fingerprint(), second.fingerprint())
	assert.NotEqual(t, first.fingerprint(), attempt("2").fingerprint())
}
