package idempotency

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	mimemultipart "mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzParseKey holds parseKey against a slow parser written from the ABNF of
// RFC 9651, where parseKey follows the algorithms. Lines are split at line feeds.
func FuzzParseKey(f *testing.F) {
	f.Add("8e03978e-40d5-43dd-bc93-6894a57f9324", false)
	f.Add(`"8e03978e-40d5-43dd-bc93-6894a57f9324"; a=1;b="x"`, true)
	f.Add("\" \\\"\\\\\"\n\"b\"", false)
	f.Fuzz(func(t *testing.T, value string, strict bool) {
		lines := strings.Split(value, "\n")
		want, valid := oracleKey(lines, strict)
		key, err := parseKey(lines, strict)
		require.Equal(t, valid, err == nil, "%q: %v", lines, err)
		require.Equal(t, want, key)
		if !valid {
			return
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		for _, form := range []string{quoted, " " + quoted + ";a\t", quoted + `;p="x"`} {
			again, err := parseKey([]string{form}, true)
			require.NoError(t, err, "%q", form)
			require.Equal(t, key, again)
		}
		if !strings.ContainsAny(key, ` ",;\`) {
			again, err := parseKey([]string{key}, false)
			require.NoError(t, err)
			require.Equal(t, key, again)
		}
	})
}

// The ABNF of RFC 9651, sections 3.1.2 and 3.3. A percent sign in a Display
// String is one that encodes: there the algorithm of section 4.2.10 is narrower.
var (
	oracleString    = regexp.MustCompile(`\A"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"`)
	oracleParameter = func() *regexp.Regexp {
		re := regexp.MustCompile(`\A; *[a-z*][a-z0-9_.*-]*(?:=(?:` + strings.Join([]string{
			`-?[0-9]{1,15}`,
			`-?[0-9]{1,12}\.[0-9]{1,3}`,
			`"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"`,
			"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*",
			`:(?P<base64>[A-Za-z0-9+/=]*):`,
			`\?[01]`,
			`@-?[0-9]{1,15}`,
			`%"(?P<display>(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f][0-9a-f])*)"`,
		}, "|") + `))?`)
		re.Longest()
		return re
	}()
	oraclePercent = regexp.MustCompile(`%..`)
)

func oracleKey(lines []string, strict bool) (string, bool) {
	if len(lines) != 1 || len(lines[0]) > 4096 {
		return "", false
	}
	value := strings.Trim(lines[0], " \t")
	key := value
	if m := oracleString.FindStringSubmatch(value); m != nil {
		if !oracleParameters(value[len(m[0]):]) {
			return "", false
		}
		key = regexp.MustCompile(`\\(.)`).ReplaceAllString(m[1], "$1")
	} else if strict || !regexp.MustCompile(`\A[\x21-\x7e]*\z`).MatchString(value) || strings.ContainsAny(value, `",;\`) {
		return "", false
	}
	if len(key) < 1 || len(key) > 255 {
		return "", false
	}
	return key, true
}

func oracleParameters(s string) bool {
	for s != "" {
		m := oracleParameter.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		s = s[len(m[0]):]
		encoded := m[oracleParameter.SubexpIndex("base64")]
		_, padded := base64.StdEncoding.DecodeString(encoded)
		_, bare := base64.RawStdEncoding.DecodeString(encoded)
		display := oraclePercent.ReplaceAllStringFunc(m[oracleParameter.SubexpIndex("display")], func(octet string) string {
			b, _ := hex.DecodeString(octet[1:])
			return string(b)
		})
		if padded != nil && bare != nil || !utf8.ValidString(display) {
			return false
		}
	}
	return true
}

// FuzzFingerprint looks for two requests that differ and have one fingerprint.
// Each request is compared with two made from it: a bit of one part changed, and
// the last byte of that part moved to the next.
func FuzzFingerprint(f *testing.F) {
	f.Add("POST", "api.example.com", "/payments", "a=1", "application/json", `{"amount":1}`, uint(0), uint(0))
	f.Add("PUT", "API.example.com:8080", "/a b%2F", "", "multipart/form-data; boundary=b", "--b\r\nA: b\r\n\r\nx\r\n--b--", uint(5), uint(64))
	f.Fuzz(func(t *testing.T, method, host, path, query, contentType, body string, part, bit uint) {
		original := []string{method, host, path, query, contentType, body}
		fingerprint := fingerprintOfTexts(original)
		require.Equal(t, fingerprint, fingerprintOfTexts(original))
		custom := fingerprintOf(askedFor(original).request(), nil, func(*http.Request, []byte) []byte { return []byte(body) })
		require.NotEqual(t, fingerprint, custom)

		part %= uint(len(original))
		text := original[part]
		if text == "" {
			return
		}
		changed := []byte(text)
		bit %= uint(8 * len(text))
		changed[bit/8] ^= 1 << (bit % 8)
		other := slices.Clone(original)
		other[part] = string(changed)
		same := slices.Equal(canonical(original), canonical(other))
		require.Equal(t, same, fingerprint == fingerprintOfTexts(other), "%q and %q", original, other)
		if part+1 < uint(len(original)) {
			last := len(text) - 1
			other[part], other[part+1] = text[:last], text[last:]+other[part+1]
			same = slices.Equal(canonical(original), canonical(other))
			require.Equal(t, same, fingerprint == fingerprintOfTexts(other), "%q and %q", original, other)
		}
	})
}

func askedFor(texts []string) asked {
	return asked{texts[0], texts[1], url.URL{Path: texts[2], RawQuery: texts[3]}, []string{texts[4]}, texts[5]}
}

func fingerprintOfTexts(texts []string) fingerprint { return askedFor(texts).fingerprint() }

// canonical is what two requests have in common if they are one.
func canonical(texts []string) []string {
	host := []byte(texts[1])
	for i, c := range host {
		if 'A' <= c && c <= 'Z' {
			host[i] = c - 'A' + 'a'
		}
	}
	same := []string{texts[0], string(host), texts[2], texts[3]}
	if m, ok := parseMultipart(texts[4], []byte(texts[5])); ok {
		return append(same, "parts", fmt.Sprintf("%q", m))
	}
	return append(same, "bytes", texts[4], texts[5])
}

// FuzzMultipart holds what is read of a body against what the standard library
// reads of it, and sends it again with another boundary. In the body, @ is the
// boundary.
func FuzzMultipart(f *testing.F) {
	f.Add("b", "----WebKitFormBoundary7MA4YWxkTrZu0gW", upload)
	f.Add("--", "-", "--@\r\n\r\n-\r\n--@--")
	f.Add("a b", "'()+_,-./:=?", "before\r\n--@\r\nB: 1\r\nA: 2\r\n\r\nx\r\n--@\r\n\r\n\r\n--@--\r\nbehind")
	f.Fuzz(func(t *testing.T, boundary, another, body string) {
		one, other := form(boundary, body), form(another, body)
		m, ok := parseMultipart(one.types[0], []byte(one.body))
		if !ok {
			require.Equal(t, boundary == another, one.fingerprint() == other.fingerprint(), "the content type has the boundary")
			return
		}
		requireSameParts(t, m, mimemultipart.NewReader(strings.NewReader(one.body), boundary))
		if n, ok := parseMultipart(other.types[0], []byte(other.body)); ok && fmt.Sprintf("%q", m) == fmt.Sprintf("%q", n) {
			require.Equal(t, one.fingerprint(), other.fingerprint())
		} else {
			require.NotEqual(t, one.fingerprint(), other.fingerprint())
		}
		// A boundary that occurs nowhere else is as good as this one.
		const fresh = "0123456789"
		if !strings.Contains(one.body, fresh) {
			again := form(fresh, "")
			again.body = strings.ReplaceAll(one.body, "--"+boundary, "--"+fresh)
			require.Equal(t, one.fingerprint(), again.fingerprint())
		}
	})
}

func requireSameParts(t *testing.T, m multipart, r *mimemultipart.Reader) {
	t.Helper()
	for _, p := range m.parts {
		got, err := r.NextRawPart()
		require.NoError(t, err)
		fields := map[string][]string{}
		for _, field := range p.fields {
			fields[field.name] = append(fields[field.name], string(field.value))
		}
		read := map[string][]string{}
		for name, values := range got.Header {
			read[strings.ToLower(name)] = values
		}
		require.Equal(t, fields, read)
		content, err := io.ReadAll(got)
		require.NoError(t, err)
		require.Equal(t, string(p.content), string(content))
	}
	_, err := r.NextRawPart()
	require.Equal(t, io.EOF, err)
}
