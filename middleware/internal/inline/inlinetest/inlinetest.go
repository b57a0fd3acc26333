// Package inlinetest is what the tests of the adapters have in common.
package inlinetest

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/concordhttp/concord/middleware"
)

// Serve serves h on the loopback until the test ends.
func Serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// Exchange sends a request, with names of fields before their values, and reads
// the answer to its end.
func Exchange(t *testing.T, s *httptest.Server, method, target, body string, fields ...string) (res *http.Response, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for ; len(fields) > 1; fields = fields[2:] {
		r.Header.Set(fields[0], fields[1])
	}
	if res, err = s.Client().Do(r); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(all)
}

// Seen notes the answer that a layer sees: what there is when its handler
// returns.
type Seen struct {
	Status int
	Body   string
}

// Middleware notes what passes through it.
func (s *Seen) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, _ := middleware.Record(w)
		rec.Enter(held{}, 1<<20)
		next.ServeHTTP(rec, r)
		rec.Leave()
		s.Status, s.Body = rec.Status(), string(rec.Bytes())
		rec.Finish()
	})
}

type held struct{}

func (held) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

// The storm's size, and how many of its requests are reads.
const (
	clients = 16
	rounds  = 40
	Reads   = (clients - 1) * rounds
)

// Storm has many clients read /notes/{id} of a few ids, one of them write, and
// some leave before they have their answer, which must be the id.
func Storm(t *testing.T, s *httptest.Server) {
	t.Helper()
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := range rounds {
				method := http.MethodGet
				if client == 0 {
					method = http.MethodPut
				}
				ctx, leave := context.WithCancel(t.Context())
				if (client+i)%5 == 0 {
					time.AfterFunc(time.Millisecond, leave)
				}
				askFor(ctx, t, s, method, strconv.Itoa(i%3))
				leave()
			}
		})
	}
	all.Wait()
}

func askFor(ctx context.Context, t *testing.T, s *httptest.Server, method, id string) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL+"/notes/"+id, http.NoBody)
	if err != nil {
		t.Error(err)
		return
	}
	res, err := s.Client().Do(r)
	if err != nil {
		return // it left
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && (string(body) != id || res.StatusCode != http.StatusOK) {
		t.Errorf("%s %s: %d %q", method, r.URL.Path, res.StatusCode, body)
	}
}

// Linger gives other requests the time to join a run, and to leave it, and looks
// each time whether the parameter is still that of the path.
func Linger(t *testing.T, path, parameter func() string) {
	for range 3 {
		time.Sleep(time.Millisecond)
		if p, id := path(), parameter(); p != "/notes/"+id {
			t.Errorf("%s is the parameter of %s", id, p)
		}
	}
}

// Upload sends a form to /upload, with a title and a file of 1 MiB, and tells how
// many temporary files are left when the server has closed.
func Upload(t *testing.T, h http.Handler) (left int) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var form strings.Builder
	parts := multipart.NewWriter(&form)
	file, err := parts.CreateFormFile("file", "a")
	if err == nil {
		_, err = file.Write(make([]byte, 1<<20))
	}
	if err = errors.Join(err, parts.WriteField("title", "one"), parts.Close()); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	res, _ := Exchange(t, s, http.MethodPost, "/upload", form.String(), "Content-Type", parts.FormDataContentType()) //nolint:bodyclose // Exchange does
	s.Close()                                                                                                        // and no request runs any more
	if res.StatusCode != http.StatusOK {
		t.Errorf("answered %d", res.StatusCode)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
