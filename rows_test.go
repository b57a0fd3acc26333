package concord_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/collapse"
)

var rows = flag.Duration("rows", 0, "how long TestRows measures what requests cost; 0: not at all")

// row is something that is measured, and what it is compared with.
type row struct {
	name   string
	run    func()
	bare   *row
	slices []float64 // ns a run in each slice
}

const (
	slice     = 100 * time.Microsecond
	sha256At  = 628.0 // what SHA-256 of 1 KiB took in ns where the bounds were set
	perLook   = 20    // runs between two looks at the clock
	firstKeys = 1000  // keyed requests before a store begins anew
)

// TestRows asserts nothing; it prints what layers cost, by
//
//	go test -run TestRows -v . -args -rows 1m
//
// Everything is measured in turn, a tenth of a millisecond at a time, and what is
// printed is the fastest fiftieth and the fastest quarter of these slices: on a
// machine that others use, too, means say more about the others. The last column
// is that quarter, less the bare handler, with SHA-256 of 1 KiB taken for 628 ns.
func TestRows(t *testing.T) {
	if *rows == 0 {
		t.Skip("-rows says for how long to measure")
	}
	all := allRows(t)
	for end := time.Now().Add(*rows); time.Now().Before(end); {
		for _, r := range all {
			began, n := time.Now(), 0
			for ; time.Since(began) < slice; n += perLook {
				for range perLook {
					r.run()
				}
			}
			r.slices = append(r.slices, float64(time.Since(began))/float64(n))
		}
	}
	for _, r := range all {
		slices.Sort(r.slices)
	}
	fmt.Printf("%-42s %10s %10s %18s %18s\n", "", "fiftieth", "quarter", "fiftieth over bare", "quarter over bare")
	for _, r := range all {
		fmt.Printf("%-42s %7.1f ns %7.1f ns", r.name, r.at(50), r.at(4))
		if r.bare != nil {
			fmt.Printf(" %15.1f ns %15.1f ns", r.over(all[0], 50), r.over(all[0], 4))
		}
		fmt.Println()
	}
}

// at is the slowest of the fastest nth of the slices.
func (r *row) at(nth int) float64 { return r.slices[len(r.slices)/nth] }

// over is what r costs beyond the bare handler, at the speed of sha's bound.
func (r *row) over(sha *row, nth int) float64 {
	return (r.at(nth) - r.bare.at(nth)) * sha256At / sha.at(nth)
}

func allRows(t *testing.T) []*row {
	t.Helper()
	body := bytes.Repeat([]byte("concord "), 128)
	w := &nowhere{make(http.Header)}
	of := func(name string, bare *row, r *http.Request, h http.Handler) *row {
		content := bytes.NewReader(body)
		original := r.Body
		if r.ContentLength > 0 {
			original = io.NopCloser(content)
		}
		return &row{name: name, bare: bare, run: func() {
			clear(w.h)
			content.Reset(body)
			r.Body = original
			h.ServeHTTP(w, r)
		}}
	}
	serves := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = contentType
		_, _ = w.Write(body)
	})
	done := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	nothing := http.HandlerFunc(answers)

	hasher, err := etag.Keyed(bytes.Repeat([]byte("k"), 32))
	require.NoError(t, err)
	tags := func(c etag.Config) *etag.Layer {
		l, err := etag.New(c)
		require.NoError(t, err)
		return l
	}
	state := etag.State{Exists: true, Tag: etag.FromVersion(7)}
	current := func(*http.Request) (etag.State, error) { return state, nil }
	share, err := collapse.New(collapse.Config{Principal: middleware.DangerouslyShared})
	require.NoError(t, err)
	once := func() http.Handler {
		l, err := idempotency.New(idempotency.Config{Principal: middleware.DangerouslyShared})
		require.NoError(t, err)
		return l.Handler(serves)
	}

	put := requestOf(http.MethodPut)
	put.Header.Set("If-Match", state.Tag.String())
	keyed := requestOf(http.MethodPost)
	keyed.Header.Set("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324")
	keyed.ContentLength = int64(len(body))
	fresh := keyed.Clone(t.Context())

	sha := &row{name: "SHA-256 of 1 KiB", run: func() { _ = sha256.Sum256(body) }}
	get := of("bare GET of 1 KiB", nil, requestOf(http.MethodGet), serves)
	post := of("bare POST", nil, requestOf(http.MethodPost), nothing)
	bare := of("bare PUT", nil, put, done)
	pay := of("bare POST with 1 KiB", nil, keyed, serves)
	first := of("keyed POST, first run", pay, fresh, firstRuns(once))
	return []*row{
		sha, get, post, bare, pay,
		of("POST, etag has nothing to do", post, requestOf(http.MethodPost), tags(etag.Config{}).Handler(nothing)),
		of("POST, the Stack has nothing to do", post, requestOf(http.MethodPost), newStack(t, concord.Config{}).Handler(nothing)),
		of("OPTIONS, the Stack has nothing to do", post, requestOf(http.MethodOptions), newStack(t, concord.Config{}).Handler(nothing)),
		of("GET, tagged by SHA-256", get, requestOf(http.MethodGet), tags(etag.Config{}).Handler(serves)),
		of("GET, tagged by Keyed", get, requestOf(http.MethodGet), tags(etag.Config{Hash: hasher}).Handler(serves)),
		of("conditional PUT, gate in memory", bare, put, tags(etag.Config{Current: current}).Handler(done)),
		first,
		of("keyed POST, replay", pay, keyed, once()),
		of("GET, collapse with nobody to share with", get, requestOf(http.MethodGet), share.Handler(serves)),
	}
}

// firstRuns gives each request another key, and begins with an empty store after
// a thousand: else its growth is what is measured.
func firstRuns(once func() http.Handler) http.Handler {
	keys := make([][]string, firstKeys)
	for i := range keys {
		keys[i] = []string{fmt.Sprintf("8e03978e-40d5-43dd-bc93-%012d", i)}
	}
	h, n := once(), 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n == len(keys) {
			h, n = once(), 0
		}
		r.Header["Idempotency-Key"] = keys[n]
		n++
		h.ServeHTTP(w, r)
	})
}
