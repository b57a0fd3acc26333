package lock_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
)

func shows(r *http.Request) string { return "the " + r.Header.Get("X-User") }

func TestLockIsAnsweredWithTokenHolderAndExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{}
		h := protect(t, lock.Config{Holder: shows}, docs)
		w := do(h, "ann", "LOCK", "/a", "<lockinfo/>", "Timeout", "Second-300")
		g := grantedBy(t, w)
		assert.Equal(t, "<"+g.Token+">", w.Header().Get("Lock-Token"))
		assert.Equal(t, "Second-300", w.Header().Get("Timeout"))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
		assert.Equal(t, "the ann", g.Holder)
		assert.Equal(t, time.Now().Add(5*time.Minute).UTC(), g.Expires.UTC())
		assert.Contains(t, w.Body.String(), `"expires":"`+g.Expires.Format(time.RFC3339)+`"`)
		assert.Empty(t, docs.writes(), "the handler knows nothing of it")

		w = do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", "<"+g.Token+">")
		assert.Equal(t, http.StatusNoContent, w.Code)
		assert.Empty(t, w.Body.String())
		assert.Empty(t, docs.writes())
		assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code, "it is free again")
	})
}

func TestWithoutHolderNothingIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{}, &documents{})
		assert.NotContains(t, do(h, "ann", "LOCK", "/a", "").Body.String(), "holder")
		w := do(h, "bob", "PUT", "/a", "x")
		assert.NotContains(t, wantProblem(t, w, 409, problem.KindLocked), "holder")
		assert.NotContains(t, w.Body.String(), "ann", "nor is the principal")
	})
}

func TestWhatALockKeepsOut(t *testing.T) {
	for _, c := range []struct {
		method string
		passes bool
	}{
		{"GET", true},
		{"HEAD", true},
		{"OPTIONS", true},
		{"TRACE", true},
		{"QUERY", true},
		{"PROPFIND", true},
		{"REPORT", true},
		{"SEARCH", true},
		{"PUT", false},
		{"PATCH", false},
		{"DELETE", false},
		{"POST", false},
		{"PROPPATCH", false},
		{"MOVE", false},
		{"put", false}, // methods are case-sensitive, and this one is not known
		{"ANYTHING", false},
	} {
		t.Run(c.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ran := 0
				h := protect(t, lock.Config{Holder: shows}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran++ }))
				token := take(t, h, "ann", "/a", "Timeout", "Second-60")
				w := do(h, "bob", c.method, "/a", "")
				if c.passes {
					assert.Equal(t, 200, w.Code)
					assert.Equal(t, 1, ran)
					return
				}
				members := wantProblem(t, w, 409, problem.KindLocked)
				assert.Zero(t, ran)
				assert.Equal(t, "the ann", members["holder"])
				assert.Equal(t, time.Now().Add(time.Minute).UTC().Format(time.RFC3339), members["expires"])
				assert.Equal(t, true, members["retryable"])
				assert.Equal(t, "60", w.Header().Get("Retry-After"))

				assert.Equal(t, 200, do(h, "bob", c.method, "/b", "").Code, "another resource")
				assert.Equal(t, 200, do(h, "ann", c.method, "/a", "", "Lock-Token", token).Code, "the holder")
				assert.Equal(t, 2, ran)
			})
		})
	}
}

func TestStatusCanBe423(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{Status: 423}, &documents{})
		take(t, h, "ann", "/a")
		wantProblem(t, do(h, "bob", "PUT", "/a", "x"), 423, problem.KindLocked)
		wantProblem(t, do(h, "bob", "LOCK", "/a", ""), 423, problem.KindLocked)
	})
}

func TestALockIsExclusiveAlsoForItsOwnPrincipal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{Holder: shows}, &documents{})
		token := take(t, h, "ann", "/a")
		for _, who := range []string{"ann", "bob"} {
			members := wantProblem(t, do(h, who, "LOCK", "/a", ""), 409, problem.KindLocked)
			assert.Equal(t, "the ann", members["holder"])
			assert.Equal(t, who == "ann", strings.HasPrefix(members["detail"].(string), "You hold"), members["detail"])
			wantProblem(t, do(h, who, "PUT", "/a", "x"), 409, problem.KindLocked)
		}
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x", "Lock-Token", token).Code)
	})
}

func TestRenewing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tokens []uint64
		h := protect(t, lock.Config{Holder: shows}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			held, ok := lock.FromContext(r.Context())
			assert.True(t, ok)
			tokens = append(tokens, held.Token())
		}))
		token := take(t, h, "ann", "/a", "Timeout", "Second-60")
		do(h, "ann", "PUT", "/a", "", "Lock-Token", token)
		for range 5 {
			time.Sleep(50 * time.Second)
			w := do(h, "ann", "LOCK", "/a", "", "Lock-Token", token, "Timeout", "Second-60", "X-User-Shown", "x")
			g := grantedBy(t, w)
			assert.Equal(t, token, "<"+g.Token+">", "the token stays")
			assert.Equal(t, "the ann", g.Holder, "so does what is shown")
			assert.Equal(t, "Second-60", w.Header().Get("Timeout"))
			assert.Equal(t, time.Now().Add(time.Minute).UTC(), g.Expires.UTC())
			assert.Equal(t, 200, do(h, "ann", "PUT", "/a", "", "Lock-Token", token).Code)
		}
		wantProblem(t, do(h, "bob", "LOCK", "/a", "", "Lock-Token", token), 409, problem.KindLocked)
		for _, fence := range tokens {
			assert.Equal(t, tokens[0], fence, "the fencing token never changes while the lock lasts")
		}
		time.Sleep(time.Minute)
		other := take(t, h, "bob", "/a")
		do(h, "bob", "PUT", "/a", "", "Lock-Token", other)
		assert.Greater(t, tokens[len(tokens)-1], tokens[0], "the next lock has a greater one")
	})
}

// TestALockThatExpiredIsReported: whoever believes to hold a lock is told that
// it does not, and does not write.
func TestALockThatExpiredIsReported(t *testing.T) {
	for _, method := range []string{"PUT", "POST", "UNLOCK", "LOCK"} {
		synctest.Test(t, func(t *testing.T) {
			docs := &documents{}
			h := protect(t, lock.Config{}, docs)
			token := take(t, h, "ann", "/a", "Timeout", "Second-10")
			time.Sleep(10*time.Second - 1)
			assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x", "Lock-Token", token).Code, "to the last moment")
			time.Sleep(1)
			w := do(h, "ann", method, "/a", "", "Lock-Token", token)
			members := wantProblem(t, w, 412, problem.KindVersionMismatch)
			assert.Equal(t, "Lock-Token", members["failed_field"])
			assert.Contains(t, members["detail"], "expired")
			assert.Equal(t, false, members["retryable"])
			assert.Empty(t, w.Header().Get("Lock-Token"), "nor does it get the lock again without asking anew")
			assert.Len(t, docs.writes(), 1)

			take(t, h, "bob", "/a")
			wantProblem(t, do(h, "ann", method, "/a", "", "Lock-Token", token), 409, problem.KindLocked)
			assert.Len(t, docs.writes(), 1)
		})
	}
}

func TestUnlocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{Holder: shows}, &documents{})
		token := take(t, h, "ann", "/a")
		other := take(t, h, "ann", "/b")
		assert.Equal(t, "the ann", wantProblem(t, do(h, "bob", "UNLOCK", "/a", "", "Lock-Token", token), 409, problem.KindLocked)["holder"])
		wantProblem(t, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", other), 409, problem.KindLocked)
		members := wantProblem(t, do(h, "ann", "UNLOCK", "/a", ""), 400, problem.KindPreconditionMalformed)
		assert.Equal(t, "Lock-Token", members["failed_field"])
		wantProblem(t, do(h, "bob", "PUT", "/a", "x"), 409, problem.KindLocked)
		assert.Equal(t, 204, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code)
		wantProblem(t, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token), 412, problem.KindVersionMismatch)
	})
}

func TestFieldsThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		name, method string
		fields       []string
		failed       string
	}{
		{"an empty token is not an absent one", "PUT", []string{"Lock-Token", ""}, "Lock-Token"},
		{"two tokens", "PUT", []string{"Lock-Token", "<urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324>", "Lock-Token", "<urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324>"}, "Lock-Token"},
		{"another scheme", "UNLOCK", []string{"Lock-Token", "<opaquelocktoken:8e03978e-40d5-43dd-bc93-6894a57f9324>"}, "Lock-Token"},
		{"a token that is cut off", "LOCK", []string{"Lock-Token", "<urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324"}, "Lock-Token"},
		{"no number", "LOCK", []string{"Timeout", "Second-"}, "Timeout"},
		{"another unit", "LOCK", []string{"Timeout", "Minute-5"}, "Timeout"},
		{"an empty timeout", "LOCK", []string{"Timeout", " , "}, "Timeout"},
		{"more than 32 bits", "LOCK", []string{"Timeout", "Second-4294967296"}, "Timeout"},
		{"one bad wish among good ones", "LOCK", []string{"Timeout", "Second-5", "Timeout", "x"}, "Timeout"},
		{"a bomb of wishes", "LOCK", []string{"Timeout", strings.Repeat("Second-5,", 1<<16)}, "Timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			docs := &documents{}
			h := protect(t, lock.Config{}, docs)
			members := wantProblem(t, do(h, "ann", c.method, "/a", "x", c.fields...), 400, problem.KindPreconditionMalformed)
			assert.Equal(t, c.failed, members["failed_field"])
			assert.Empty(t, docs.writes())
			assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code, "nothing was locked")
		})
	}
	t.Run("Timeout is of no concern to a write", func(t *testing.T) {
		assert.Equal(t, http.StatusAccepted, do(protect(t, lock.Config{}, &documents{}), "ann", "PUT", "/a", "x", "Timeout", "x").Code)
	})
}

func TestWhatTimeoutGets(t *testing.T) {
	for _, c := range []struct {
		config lock.Config
		asked  []string
		want   string
	}{
		{lock.Config{}, nil, "Second-300"},
		{lock.Config{MaxTTL: time.Minute}, nil, "Second-60"},
		{lock.Config{TTL: time.Minute}, nil, "Second-60"},
		{lock.Config{}, []string{"Second-1"}, "Second-1"},
		{lock.Config{}, []string{"Second-0"}, "Second-1"},
		{lock.Config{}, []string{"Second-600"}, "Second-600"},
		{lock.Config{}, []string{"Second-601"}, "Second-600"},
		{lock.Config{}, []string{"Infinite"}, "Second-600"},
		{lock.Config{}, []string{"infinite, second-5"}, "Second-5"},
		{lock.Config{}, []string{"Infinite, Second-4100000000"}, "Second-600"}, // RFC 4918 section 10.7
		{lock.Config{}, []string{"Infinite", "Second-5"}, "Second-5"},
		{lock.Config{}, []string{"Second-7,Second-5"}, "Second-7"},
		{lock.Config{}, []string{"Second-86400, Second-7"}, "Second-7"},
		{lock.Config{}, []string{",, Second-7 ,"}, "Second-7"},
		{lock.Config{MaxTTL: 24 * time.Hour}, []string{"Second-86400, Second-7"}, "Second-86400"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := protect(t, c.config, &documents{})
			var fields []string
			for _, line := range c.asked {
				fields = append(fields, "Timeout", line)
			}
			w := do(h, "ann", "LOCK", "/a", "", fields...)
			require.Equal(t, 200, w.Code, w.Body)
			assert.Equal(t, c.want, w.Header().Get("Timeout"), "%v", c.asked)
			lasts, err := time.ParseDuration(strings.TrimPrefix(c.want, "Second-") + "s")
			require.NoError(t, err)
			time.Sleep(lasts - 1)
			wantProblem(t, do(h, "bob", "PUT", "/a", "x"), 409, problem.KindLocked)
			time.Sleep(1)
			assert.Equal(t, http.StatusAccepted, do(h, "bob", "PUT", "/a", "x").Code)
		})
	}
}

func TestATokenIsReadAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{}, &documents{})
		token := take(t, h, "ann", "/a")
		bare := strings.Trim(token, "<>")
		for _, spelling := range []string{token, bare, strings.ToUpper(token), " " + token + "\t"} {
			assert.Equal(t, http.StatusAccepted, do(h, "ann", "PUT", "/a", "x", "Lock-Token", spelling).Code, spelling)
		}
	})
}

func TestSpellingsOfOneResourceShareALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := protect(t, lock.Config{}, &documents{})
		take(t, h, "ann", "/a1")
		for _, target := range []string{"/a1", "/a%31", "//a1", "/./a1", "/b/../a1", "/a1/", "/a1?x=1"} {
			wantProblem(t, do(h, "bob", "PUT", target, "x"), 409, problem.KindLocked)
		}
	})
}

func TestPrincipalsThatAreNotKnown(t *testing.T) {
	for _, empty := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			docs, seen := &documents{}, &observed{}
			c := lock.Config{Observer: seen}
			if empty {
				c.Principal = func(r *http.Request) (string, error) { return r.Header.Get("X-User"), nil }
			}
			h := protect(t, c, docs)
			token := "<urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324>"
			wantProblem(t, do(h, "", "LOCK", "/a", ""), 500, problem.KindPrincipalUnknown)
			wantProblem(t, do(h, "", "UNLOCK", "/a", "", "Lock-Token", token), 500, problem.KindPrincipalUnknown)
			wantProblem(t, do(h, "", "PUT", "/a", "x", "Lock-Token", token), 500, problem.KindPrincipalUnknown)
			assert.Equal(t, http.StatusAccepted, do(h, "", "PUT", "/a", "x").Code, "it does not matter here")
			take(t, h, "ann", "/a")
			wantProblem(t, do(h, "", "PUT", "/a", "x"), 500, problem.KindPrincipalUnknown)
			assert.Len(t, docs.writes(), 1)
			assert.Equal(t, "failed", string(seen.all()[0].Kind))
			assert.Error(t, seen.all()[0].Err)
		})
	}
}

func TestAuthorizeSaysWhoMayLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		may := true
		h := protect(t, lock.Config{Authorize: func(r *http.Request) error {
			switch {
			case r.Header.Get("X-User") == "eve":
				return problem.StateConflict("Not you.")
			case !may:
				return errors.New("secret reason")
			}
			return nil
		}}, &documents{})
		wantProblem(t, do(h, "eve", "LOCK", "/a", ""), 409, problem.KindStateConflict)
		token := take(t, h, "ann", "/a")
		may = false
		w := do(h, "ann", "LOCK", "/a", "", "Lock-Token", token)
		assert.Equal(t, 403, w.Code, "renewals are asked for too")
		assert.NotContains(t, w.Body.String(), "secret")
		assert.Equal(t, 204, do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token).Code, "to end it is nobody's to forbid")
	})
}

func TestOtherResourcesThanThoseThatCanBeLockedAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		docs := &documents{takes: time.Second}
		h := protect(t, lock.Config{
			Lockable: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/documents/") },
		}, docs)
		began := time.Now()
		done := make(chan *httptest.ResponseRecorder, 10)
		for range cap(done) {
			go func() { done <- do(h, "ann", "POST", "/payments", "x", "Lock-Token", "none of this layer's") }()
		}
		for range cap(done) {
			assert.Equal(t, http.StatusAccepted, (<-done).Code)
		}
		assert.Equal(t, time.Second, time.Since(began), "they do not wait for each other")
		assert.Equal(t, http.StatusAccepted, do(h, "ann", "LOCK", "/payments", "").Code, "LOCK is the handler's")
		take(t, h, "ann", "/documents/1")
	})
}
