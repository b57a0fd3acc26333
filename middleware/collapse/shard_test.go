package collapse_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/collapse"
)

// A run is found by those who ask for the same, whether or not others stand
// beside it that differ from it in their fields alone, came they before or after;
// and none is found that began before a write.
func TestARunIsFoundAmongOthersOfItsTarget(t *testing.T) {
	for name, order := range map[string]string{
		"alone":                      "a a a",
		"another comes after":        "a b a b",
		"many come after":            "a b c d a d b c",
		"the first has followers":    "a a b b a b",
		"the first leaves":           "a b -a b c c a a",
		"all but one leave":          "a b c -a -b c d d a a",
		"all leave, and begin again": "a b -a -b a a b b",
		"one is written over":        "a ! a a",
		"many are written over":      "a b c ! a a b b c c d",
		"they come to an end then":   "a b ! b a -a -b a b a b",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(map[string]chan struct{}) // of the run that can be joined, by user
				var old []chan struct{}                   // of those from before a write
				l := layer(t, collapse.Config{})
				h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet {
						return
					}
					user := r.Header.Get("Cookie")
					assert.Nil(t, release[user], "%s has a run already", user)
					held := make(chan struct{})
					release[user] = held
					<-held
					_, _ = io.WriteString(w, user)
				}))
				replies := make(map[*reply]string)
				for step := range strings.SplitSeq(order, " ") {
					switch user, ends := strings.CutPrefix(step, "-"); {
					case step == "!":
						<-start(h, request("PUT", "/a")).done
						old = slices.AppendSeq(old, maps.Values(release))
						clear(release)
					case ends:
						close(release[user])
						delete(release, user)
						synctest.Wait()
					default:
						replies[start(h, get("/a", "Cookie", user))] = user
						synctest.Wait()
						assert.NotNil(t, release[user], "%s has joined a run from before the write", user)
					}
				}
				for _, held := range slices.AppendSeq(old, maps.Values(release)) {
					close(held)
				}
				for p, user := range replies {
					<-p.done
					assert.Equal(t, user, p.Body.String())
				}
				wantNothingLeft(t, l)
			})
		})
	}
}
