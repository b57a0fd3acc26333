package collapse_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/collapse"
)

// varied are the fields in which the two requests of the fuzz differ or agree;
// those from varied[neutralFrom] on are neutral.
var varied = []string{
	"Accept", "Authorization", "Cookie", "X-Api-Key", "Accept-Language", "Baggage", "X-Forwarded-For", "x-odd",
	"User-Agent", "Traceparent", "X-Request-Id", "Connection", "X-Beacon",
}

const neutralFrom = 8

// lines are what a field can be; the last has more than one line.
var lines = [][]string{nil, {"1"}, {"2"}, {""}, {"1", "2"}, {"2", "1"}, {"1, 2"}, {"12"}}

// FuzzNeverShared sends two requests at once to a handler whose answer depends
// on some of their fields, and names in Vary those that are neutral. Each must
// get the answer that it would get alone.
func FuzzNeverShared(f *testing.F) {
	f.Add([]byte{}, []byte{}, uint16(0), uint8(0))
	f.Add([]byte{1}, []byte{2}, uint16(1), uint8(0))
	f.Add([]byte{1, 1}, []byte{1, 2}, uint16(1), uint8(0))
	f.Add([]byte{0, 0, 0, 4}, []byte{0, 0, 0, 6}, uint16(0xffff), uint8(0))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 0, 2}, uint16(1<<8), uint8(0))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, uint16(1<<8), uint8(4))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 0, 2}, uint16(1), uint8(8))
	f.Add([]byte{3}, []byte{}, uint16(0xffff), uint8(3))
	f.Fuzz(func(t *testing.T, first, second []byte, depends uint16, how uint8) {
		answer := func(r *http.Request) string {
			var b strings.Builder
			fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
			for i, name := range varied {
				if depends>>i&1 == 1 {
					fmt.Fprintf(&b, "%s: %q\n", name, r.Header[name])
				}
			}
			return b.String()
		}
		ask := func(values []byte, target string) *http.Request {
			r := get(target)
			for i, v := range values {
				if i == len(varied) {
					break
				}
				if l := lines[int(v)%len(lines)]; l != nil {
					r.Header[varied[i]] = append([]string(nil), l...)
				}
			}
			return r
		}
		targets := [][2]string{{"/a", "/a"}, {"/a?b", "/ab"}, {"/a?b", "/a?c"}, {"/a", "/a?"}}
		target := targets[int(how)%len(targets)]
		a, b := ask(first, target[0]), ask(second, target[1])
		wantA, wantB := answer(a), answer(b)
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			l, err := collapse.New(collapse.Config{Neutral: []string{"X-Beacon"}})
			assert.NoError(t, err)
			h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-release
				for i, name := range varied[neutralFrom:] {
					if depends>>(i+neutralFrom)&1 == 1 {
						w.Header().Add("Vary", strings.ToLower(name))
					}
				}
				text := answer(r)
				if how&4 != 0 { // in two parts, the first of which is known before the second
					_, _ = io.WriteString(w, text[:2])
					_ = http.NewResponseController(w).Flush()
					text = text[2:]
				}
				_, _ = io.WriteString(w, text)
				for name := range r.Header {
					r.Header[name] = []string{"changed"}
				}
			}))
			one := start(h, a)
			synctest.Wait()
			two := start(h, b)
			synctest.Wait()
			close(release)
			<-one.done
			<-two.done
			assert.Equal(t, wantA, one.Body.String())
			assert.Equal(t, wantB, two.Body.String())
		})
	})
}
