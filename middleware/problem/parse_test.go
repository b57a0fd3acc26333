package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answered is a response as a client gets it.
func answered(status int, contentType, body string, fields ...string) *http.Response {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	for i := 0; i < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// sent has p rendered, and what came out parsed.
func sent(t *testing.T, respond Responder, p *Problem) *Problem {
	t.Helper()
	w := httptest.NewRecorder()
	respond(w, httptest.NewRequest("PUT", "/", http.NoBody), p)
	got, err := Parse(w.Result())
	require.NoError(t, err)
	return got
}

// TestEveryKindComesBackAsItWasSent, whichever responder has sent it, and wherever
// the server describes its kinds.
func TestEveryKindComesBackAsItWasSent(t *testing.T) {
	responders := map[string]Responder{
		"JSON": JSON, "Negotiate": Negotiate, "Stripe": Stripe,
		"a page of the server's": Renderer{TypeBase: "/problems#"}.JSON,
		"a folder":               Renderer{TypeBase: "https://api.example/problems/"}.JSON,
		"a URN":                  Renderer{TypeBase: "urn:problem:"}.JSON,
		"a query":                Renderer{TypeBase: "/problems?kind="}.JSON,
	}
	for name, respond := range responders {
		for i := range registry {
			kind := registry[i].kind
			t.Run(name+"/"+string(kind), func(t *testing.T) {
				p := New(kind, "What happened.")
				p.Instance = "urn:uuid:0b6f5c2e-4d1a-4f0e-9c55-3a1f6f0a7d21"
				p.Extensions = map[string]any{"failed_field": "If-Match", "limit": json.Number("12345678901234567890")}
				p.Header = http.Header{"Etag": {`"v1"`}, "Retry-After": {"7"}}
				got := sent(t, respond, p)
				assert.Equal(t, kind, got.Kind)
				assert.Equal(t, p.Status, got.Status)
				assert.Equal(t, p.Title, got.Title)
				assert.Equal(t, p.Retryable, got.Retryable)
				assert.Equal(t, p.Instance, got.Instance)
				assert.True(t, strings.HasSuffix(got.Type, string(kind)), got.Type)
				if kind != KindInternal {
					assert.Equal(t, p.Detail, got.Detail)
				}
				assert.Equal(t, []string{`"v1"`}, got.Header["Etag"])
				assert.Equal(t, "7", got.Header.Get("Retry-After"))
				if name == "Stripe" {
					var inner stripeError
					require.NoError(t, json.Unmarshal(got.Extensions["error"].(json.RawMessage), &inner))
					assert.Equal(t, string(kind), inner.Code)
					delete(got.Extensions, "error")
				}
				assert.Equal(t, p.Extensions, got.Extensions)
			})
		}
	}
}

func TestParsedProblemRendersAsItCame(t *testing.T) {
	p := Locked("Ann is editing.", "Ann", time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC))
	p.Extensions["path"] = []any{1, nil, map[string]any{"deep": true}}
	first := httptest.NewRecorder()
	JSON(first, nil, p)
	body := first.Body.String()
	got, err := Parse(first.Result())
	require.NoError(t, err)
	again := httptest.NewRecorder()
	JSON(again, nil, got)
	assert.JSONEq(t, body, again.Body.String())
	assert.Equal(t, first.Code, again.Code)
}

func TestWhatIsNoProblemIsLeftAsItIs(t *testing.T) {
	for name, res := range map[string]*http.Response{
		"a page":                    answered(422, "text/html", "<p>No.</p>"),
		"plain JSON":                answered(422, "application/json", `{"type":"/p#duplicate","retryable":false}`),
		"no type":                   answered(503, "", "{}"),
		"another suffix":            answered(409, "application/vnd.problem+json", "{}"),
		"problem+xml":               answered(409, "application/problem+xml", "<problem/>"),
		"a success, in that format": answered(200, "application/problem+json", `{"title":"What I keep a collection of"}`),
		"a redirect":                answered(307, "application/problem+json", "{}"),
		"a status of its own":       answered(999, "application/problem+json", "{}"),
	} {
		body := res.Body
		p, err := Parse(res)
		assert.Nil(t, p, name)
		assert.ErrorIs(t, err, ErrNotProblem, name)
		assert.Equal(t, body, res.Body, name)
	}
}

func readAll(t *testing.T, res *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}

func TestParseOfOtherServersProblems(t *testing.T) {
	for name, c := range map[string]struct {
		res  *http.Response
		want Problem
	}{
		"nothing in it": {
			answered(404, "application/problem+json", `{}`), Problem{Status: 404},
		},
		"parameters, and capitals": {
			answered(404, "Application/Problem+JSON; charset=utf-8", `{"title":"No"}`), Problem{Status: 404, Title: "No"},
		},
		"blank": {
			answered(409, "application/problem+json", `{"type":"about:blank","status":409,"retryable":true}`),
			Problem{Type: "about:blank", Status: 409, Retryable: true},
		},
		"a type that ends as one of ours, of a server that says nothing of retrying": {
			answered(409, "application/problem+json", `{"type":"https://other.example/probs/resource-busy"}`),
			Problem{Type: "https://other.example/probs/resource-busy", Status: 409},
		},
		"a kind of the server's own": {
			answered(409, "application/problem+json", `{"type":"/problems#slot.taken_2","retryable":false}`),
			Problem{Kind: "slot.taken_2", Type: "/problems#slot.taken_2", Status: 409},
		},
		"no kind at the end": {
			answered(409, "application/problem+json", `{"type":"/problems#é","retryable":false}`),
			Problem{Type: "/problems#é", Status: 409},
		},
		"members of the wrong type are ignored": {
			answered(422, "application/problem+json", `{"type":[1],"title":null,"status":"409","detail":{},"instance":1,"retryable":"true"}`),
			Problem{Status: 422},
		},
		"a status that is none": {
			answered(422, "application/problem+json", `{"status":4e2}`), Problem{Status: 422},
		},
		"a status that is no error": {
			answered(422, "application/problem+json", `{"status":200}`), Problem{Status: 422},
		},
		"a status that something on the way has changed": {
			answered(500, "application/problem+json", `{"status":409}`), Problem{Status: 409},
		},
		"of two members of one name the last": {
			answered(409, "application/problem+json", `{"title":"a","title":"b"}`), Problem{Status: 409, Title: "b"},
		},
		"another case is another member": {
			answered(409, "application/problem+json", `{"Status":418,"Retryable":true}`),
			Problem{Status: 409, Extensions: map[string]any{"Status": json.Number("418"), "Retryable": true}},
		},
		"extensions": {
			answered(409, "application/problem+json", `{"a":"b","n":1.50,"z":null,"l":[ 1 ],"o":{"p":{}},"":false}`),
			Problem{Status: 409, Extensions: map[string]any{
				"a": "b", "n": json.Number("1.50"), "z": nil, "": false,
				"l": json.RawMessage(`[ 1 ]`), "o": json.RawMessage(`{"p":{}}`),
			}},
		},
		"fields": {
			answered(503, "application/problem+json", `{}`, "Retry-After", "3", "Set-Cookie", "a=b", "Link", "<a>", "Link", "<b>", "Server", "x"),
			Problem{Status: 503, Header: http.Header{"Retry-After": {"3"}, "Link": {"<a>", "<b>"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.res.Header.Clone()
			got, err := Parse(c.res)
			require.NoError(t, err)
			c.want.received = true
			assert.Equal(t, &c.want, got)
			assert.Equal(t, before, c.res.Header)
		})
	}
}

func TestParseOfWhatIsNoObject(t *testing.T) {
	for _, body := range []string{"", "null", "[]", `"duplicate"`, "1", "{", "{}{}", `{"a":}`, "<p>", strings.Repeat(`{"a":`, 20_000)} {
		res := answered(409, "application/problem+json", body)
		p, err := Parse(res)
		assert.Nil(t, p, body)
		require.Error(t, err, body)
		assert.NotErrorIs(t, err, ErrNotProblem, body)
		assert.Equal(t, body, readAll(t, res), "the body can still be read")
	}
}

func TestParseIsBounded(t *testing.T) {
	exact := `{"detail":"` + strings.Repeat("x", MaxParse-13) + `"}`
	require.Len(t, exact, MaxParse)
	p, err := Parse(answered(409, "application/problem+json", exact))
	require.NoError(t, err)
	assert.Len(t, p.Detail, MaxParse-13)

	res := answered(409, "application/problem+json", "")
	source := &counted{Reader: io.LimitReader(endless{}, 3<<20)}
	res.Body = source
	_, err = Parse(res)
	require.Error(t, err)
	assert.Equal(t, MaxParse+1, source.read)
	n, err := io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	assert.EqualValues(t, 3<<20, n, "nothing of it is lost")
	require.NoError(t, res.Body.Close())
	assert.True(t, source.closed)
}

func TestParsePutsTheErrorOfABodyBack(t *testing.T) {
	broken := errors.New("broken off")
	res := answered(409, "application/problem+json", "")
	res.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"title":`), iotest.ErrReader(broken)))
	_, err := Parse(res)
	require.ErrorIs(t, err, broken)
	body, err := io.ReadAll(res.Body)
	require.ErrorIs(t, err, broken)
	assert.Equal(t, `{"title":`, string(body))
}

// TestAnswersOfOtherServersAreNotPassedOn: a server that is a client of another
// does not tell its own clients what it was told.
func TestAnswersOfOtherServersAreNotPassedOn(t *testing.T) {
	p, err := Parse(answered(412, "application/problem+json", `{"type":"/p#version-mismatch","retryable":false,"current":{"secret":1}}`))
	require.NoError(t, err)
	mine := StateConflict("Mine.")
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"itself":              {p, 500},
		"wrapped":             {fmt.Errorf("asking the bank: %w", p), 500},
		"beside one's own":    {errors.Join(p, mine), 409},
		"behind one's own":    {errors.Join(mine, p), 409},
		"said anew":           {New(p.Kind, "It has changed."), 412},
		"the cause of an own": {&Problem{Kind: KindStateConflict, Err: p}, 409},
	} {
		w := httptest.NewRecorder()
		Responder(nil).HandlerFunc(func(http.ResponseWriter, *http.Request) error { return c.err }).
			ServeHTTP(w, httptest.NewRequest("PUT", "/", http.NoBody))
		assert.Equal(t, c.status, w.Code, name)
		assert.NotContains(t, w.Body.String(), "secret", name)
	}
	var found *Problem
	require.ErrorAs(t, fmt.Errorf("asking the bank: %w", p), &found)
	assert.Same(t, p, found, "the client itself finds it")
}

func TestErrorNamesAProblemThatHasNoKind(t *testing.T) {
	assert.Equal(t, "problem: 403 Forbidden: No.", OfStatus(403, "No.", nil).Error())
	assert.Equal(t, "problem: https://other.example/p: No.", (&Problem{Type: "https://other.example/p", Detail: "No."}).Error())
	assert.Equal(t, "problem: 422", (&Problem{Status: 422}).Error())
}

func FuzzParse(f *testing.F) {
	for i := range registry {
		w := httptest.NewRecorder()
		Stripe(w, nil, New(registry[i].kind, "What happened."))
		f.Add(w.Code, w.Body.Bytes())
	}
	f.Add(409, []byte(`{"type":"/p#a","status":4.09e2,"retryable":true,"a":[{}],"\ud800":"\ud800"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		res := answered(status, "application/problem+json", string(body))
		p, err := Parse(res)
		assert.Equal(t, string(body), readAll(t, res), "the body is put back")
		if err != nil {
			assert.Nil(t, p)
			return
		}
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &members), "only objects are problems")
		require.True(t, isErrorStatus(p.Status))
		_ = p.Error()
		w := httptest.NewRecorder()
		JSON(w, nil, p)
		again, err := Parse(w.Result())
		require.NoError(t, err, "what was parsed can be rendered and parsed again")
		assert.Equal(t, p.Status, again.Status)
		assert.Equal(t, p.Retryable || byKind[p.Kind] != nil && byKind[p.Kind].retryable, again.Retryable)
		kept := maps.Clone(p.Extensions)
		maps.DeleteFunc(kept, func(name string, _ any) bool { return isStandard(name) })
		assert.Len(t, again.Extensions, len(kept))
	})
}

// counted counts what is read of it.
type counted struct {
	io.Reader
	read   int
	closed bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func (c *counted) Close() error {
	c.closed = true
	return nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
