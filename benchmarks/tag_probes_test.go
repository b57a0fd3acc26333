package main

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// tagProbes are about reads.
var tagProbes = map[string]probe{
	"two bodies of one length and one CRC-32 have different tags": func(t *testing.T, who string) bool {
		a, b := alike()
		first := behind(t, who, says(a)).answers(t.Context(), get()).header.Get("ETag")
		second := behind(t, who, says(b)).answers(t.Context(), get()).header.Get("ETag")
		require.NotEmpty(t, first)
		require.NotEmpty(t, second)
		return first != second
	},
	"the answer to a POST does not carry a tag of its own body": func(t *testing.T, who string) bool {
		got := behind(t, who, says("done")).answers(t.Context(), asking(http.MethodPost, document))
		require.Equal(t, http.StatusOK, got.status)
		return got.header.Get("ETag") == ""
	},
	"If-None-Match: * is 304 where there is a document": reads(http.StatusNotModified, func(string) ask {
		return get("If-None-Match: *")
	}),
	"If-None-Match is read to its end after a weak tag": reads(http.StatusNotModified, func(tag string) ask {
		return get(`If-None-Match: W/"old",` + tag)
	}),
	"a blank after a comma of If-None-Match is no part of a tag": reads(http.StatusNotModified, func(tag string) ask {
		return get(`If-None-Match: "old", ` + tag)
	}),
	"all field lines of If-None-Match count": reads(http.StatusNotModified, func(tag string) ask {
		return get(`If-None-Match: "old"`, "If-None-Match: "+tag)
	}),
	"a GET whose If-Match is false is 412": reads(http.StatusPreconditionFailed, func(string) ask {
		return get(`If-Match: "old"`)
	}),
}

// reads tells whether a read is answered with a status. It takes the tag from
// an answer before: fiber makes tags where the handler gives none, and judges
// only those.
func reads(status int, asks func(tag string) ask) probe {
	return func(t *testing.T, who string) bool {
		s, _ := documents()
		if who == peerETag {
			s.tag = nil
		}
		service := behind(t, who, s)
		tag := service.answers(t.Context(), get()).header.Get("ETag")
		require.NotEmpty(t, tag)
		alone := service.answers(t.Context(), get("If-None-Match: "+tag))
		require.Equal(t, http.StatusNotModified, alone.status, "a lone tag is understood, or nothing is said of lists")
		return service.answers(t.Context(), asks(tag)).status == status
	}
}

// alike are two bodies of one length and one checksum, by fiber's polynomial.
func alike() (a, b string) {
	table := crc32.MakeTable(0xD5828281)
	seen := make(map[uint32]uint64)
	for n := uint64(1); ; n++ {
		body := binary.BigEndian.AppendUint64(nil, n*0x9E3779B97F4A7C15) // scattered: small differences never collide
		sum := crc32.Checksum(body, table)
		if m, ok := seen[sum]; ok {
			return string(binary.BigEndian.AppendUint64(nil, m*0x9E3779B97F4A7C15)), string(body)
		}
		seen[sum] = n
	}
}

// writeProbes are about writes.
var writeProbes = map[string]probe{
	"a PUT whose If-Match is stale is 412": refuses(http.StatusPreconditionFailed, func(string) ask {
		return put(`If-Match: "old"`)
	}),
	"its handler does not run, and need not ask": func(t *testing.T, who string) bool {
		s, writes := documents()
		service := behind(t, who, s)
		if who == peerCond {
			service = s.onHuma(false)
		}
		service.answers(t.Context(), put(`If-Match: "old"`))
		return *writes == 0
	},
	"a weak tag does not satisfy If-Match": refuses(http.StatusPreconditionFailed, func(tag string) ask {
		return put("If-Match: W/" + tag)
	}),
	"If-Match without quotes is refused": refuses(http.StatusBadRequest, func(tag string) ask {
		return put("If-Match: " + unquoted(tag))
	}),
	"If-Match: * passes where there is a document": func(t *testing.T, who string) bool {
		s, _ := documents()
		return behind(t, who, s).answers(t.Context(), put("If-Match: *")).status == http.StatusOK
	},
	"of two PUTs at once with one If-Match, one is 412": oneOfTwo,
}

// refuses tells whether a write is refused with a status; refused in another way
// it counts as refused, too, but must not have been done.
func refuses(status int, asks func(tag string) ask) probe {
	return func(t *testing.T, who string) bool {
		s, writes := documents()
		service := behind(t, who, s)
		require.Equal(t, http.StatusOK, service.answers(t.Context(), put()).status, "without a precondition it is done")
		*writes = 0
		got := service.answers(t.Context(), asks(s.tag()))
		return got.status == status && *writes == 0
	}
}

// oneOfTwo has two editors save the version that both have read. Each write
// waits for the other, for a while, so that they meet if anything lets them.
func oneOfTwo(t *testing.T, who string) (held bool) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		tag, inside, met := `"v1"`, 0, make(chan struct{})
		s := script{
			tag: func() string {
				mu.Lock()
				defer mu.Unlock()
				return tag
			},
			run: func(_ context.Context, method string) answer {
				if method == http.MethodGet {
					return answer{status: http.StatusOK, body: []byte("a document")}
				}
				mu.Lock()
				if inside++; inside == 2 {
					close(met)
				}
				mu.Unlock()
				select {
				case <-met:
				case <-time.After(time.Second): // of the bubble
				}
				mu.Lock()
				tag = `"v2"`
				mu.Unlock()
				return answer{status: http.StatusOK}
			},
		}
		service := behind(t, who, s)
		var done sync.WaitGroup
		var saved, refused atomic.Int64
		for range 2 {
			done.Go(func() {
				switch service.answers(t.Context(), put(`If-Match: "v1"`)).status {
				case http.StatusOK:
					saved.Add(1)
				case http.StatusPreconditionFailed:
					refused.Add(1)
				}
			})
		}
		done.Wait()
		require.EqualValues(t, 2, saved.Load()+refused.Load())
		require.Positive(t, saved.Load())
		held = saved.Load() == 1
	})
	return held
}
