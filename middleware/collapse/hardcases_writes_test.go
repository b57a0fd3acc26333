package collapse_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/collapse"
)

func TestReadYourWrites(t *testing.T) {
	for name, die := range map[string]bool{"a write that returns": false, "one that panics": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var value atomic.Int64
				release, writing := make(chan struct{}), make(chan struct{})
				l := layer(t, collapse.Config{})
				h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet {
						r.URL.Path = "/elsewhere" // as routers do
						<-writing
						value.Add(1)
						if die {
							panic("after the write")
						}
						return
					}
					read := value.Load()
					<-release
					_, _ = fmt.Fprint(w, read)
				}))
				before := start(h, get("/a"))
				other := start(h, get("/b"))
				synctest.Wait()
				write := start(h, request("PUT", "/x/..//a")) // another spelling of one resource
				synctest.Wait()
				during := start(h, get("/a"))
				synctest.Wait()
				assert.Equal(t, 1, l.Waiting(), "nothing was written yet")
				close(writing)
				<-write.done
				after := start(h, get("/a"))
				synctest.Wait()
				second := start(h, get("/a"))
				otherToo := start(h, get("/b"))
				synctest.Wait()
				close(release)
				before.wants(t, 200, "0", shared)
				during.wants(t, 200, "0", shared)
				after.wants(t, 200, "1", shared)
				second.wants(t, 200, "1", shared)
				other.wants(t, 200, "0", shared)
				otherToo.wants(t, 200, "0", shared)
				wantNothingLeft(t, l)
			})
		})
	}
}

func TestSafeMethodsEndNoSharing(t *testing.T) {
	for _, method := range []string{"OPTIONS", "TRACE", "HEAD", "QUERY", "PROPFIND", "REPORT", "SEARCH"} {
		assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a"), request(method, "/a"), get("/a")), method)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "LOCK", "MKCOL", "get"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newReport()
				h := layer(t, collapse.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						s.ServeHTTP(w, r)
					}
				}))
				a := start(h, get("/a"))
				synctest.Wait()
				<-start(h, request(method, "/a")).done
				b := start(h, get("/a"))
				synctest.Wait()
				close(s.release)
				<-a.done
				<-b.done
				assert.EqualValues(t, 2, s.runs.Load())
			})
		})
	}
}
