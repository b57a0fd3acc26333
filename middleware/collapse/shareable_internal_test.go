package collapse

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What keeps an answer from being shared is seen among few fields as among many.
func TestNothingHidesAmongPlainFields(t *testing.T) {
	plain := []string{"Content-Type", "Content-Length", "X-Other"}
	for name, lines := range map[string][]string{
		"Set-Cookie": {"a=b"}, "set-cookie": {"a=b"}, "Trailer": {"X-A"}, "Vary": {"*"},
		"Cache-Control": {"private"}, "cache-control": {"no-store"},
	} {
		for set := range 1 << len(plain) {
			fields := http.Header{}
			for i, other := range plain {
				if set>>i&1 == 1 {
					fields[other] = []string{"1"}
				}
			}
			assert.True(t, shareable(http.StatusOK, fields), "%v", fields)
			fields[name] = lines
			assert.False(t, shareable(http.StatusOK, fields), "%v", fields)
			delete(fields, name)
		}
	}
}
