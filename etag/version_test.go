package etag

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVersionRoundTrip(t *testing.T) {
	for text, version := range map[string]uint64{
		`"v0"`:                    0,
		`"v1"`:                    1,
		`"v10"`:                   10,
		`"v1753900000000000"`:     1753900000000000,
		`"v18446744073709551615"`: math.MaxUint64,
	} {
		tag := FromVersion(version)
		assert.Equal(t, text, tag.String())
		got, ok := tag.Version()
		assert.True(t, ok, text)
		assert.Equal(t, version, got)
	}
	assert.InDelta(t, 1, testing.AllocsPerRun(100, func() { sink = FromVersion(math.MaxUint64) }), 0)
}

// A tag that FromVersion did not make must not be taken for a version: it would
// end up in an UPDATE … WHERE version = ….
func TestVersionRefuses(t *testing.T) {
	for _, value := range []string{
		`"v"`, `"1"`, `"V1"`, `W/"v1"`, `""`, `"v01"`, `"v00"`, `"v-1"`, `"v+1"`, `"v1.0"`, `"v1_0"`, `"v0x1"`, `"vv1"`, `"v1v"`,
		`"v18446744073709551616"`, `"v99999999999999999999999"`, "\"v\xd9\xa1\"",
	} {
		_, ok := mustParse(t, value).Version()
		assert.False(t, ok, value)
	}
	_, ok := Tag{}.Version()
	assert.False(t, ok)
}

// sink keeps the compiler from leaving out what is measured.
var sink Tag
