package lock

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTokensAreRandomUUIDs(t *testing.T) {
	seen := map[token]bool{}
	for range 1000 {
		made := newToken()
		require.False(t, seen[made])
		seen[made] = true
		require.True(t, made.isRandom())
		require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, made.String())
	}
}

func TestParseToken(t *testing.T) {
	const text = "urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324"
	for _, good := range []string{text, "<" + text + ">", strings.ToUpper(text), "<URN:uuid:8E03978e-40d5-43dd-bc93-6894a57f9324>"} {
		got, ok := parseToken(good)
		assert.True(t, ok, good)
		assert.Equal(t, text, got.String())
	}
	for _, bad := range []string{
		"", "<>", "<", ">", "<" + text, text + ">", "<<" + text + ">>", "<" + text + "> ", "(" + text + ")", `"` + text + `"`,
		"8e03978e-40d5-43dd-bc93-6894a57f9324", "urn:uuid:", text[:len(text)-1], text + "0", "urn:uuid:8e03978e040d5-43dd-bc93-6894a57f9324",
		"urn:uuid:8e03978g-40d5-43dd-bc93-6894a57f9324", "urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f93 4", "urn:uuid:8e03978e40d543ddbc936894a57f9324----",
	} {
		_, ok := parseToken(bad)
		assert.False(t, ok, bad)
	}
}

var oracleToken = regexp.MustCompile(`^(?i:urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)

// FuzzLockToken holds the parser against a regular expression.
func FuzzLockToken(f *testing.F) {
	f.Add("urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324")
	f.Add("<URN:UUID:8E03978E-40D5-43DD-BC93-6894A57F9324>")
	f.Add("<urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324")
	f.Add("<>")
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := parseToken(value)
		bare := value
		if strings.HasPrefix(value, "<") && strings.HasSuffix(value, ">") && len(value) > 1 {
			bare = value[1 : len(value)-1]
		}
		require.Equal(t, oracleToken.MatchString(bare), ok)
		if ok {
			require.Equal(t, strings.ToLower(bare), got.String())
			again, ok := parseToken("<" + got.String() + ">")
			require.True(t, ok)
			require.Equal(t, got, again)
		}
		_, present, reason := tokenOf(http.Header{"Lock-Token": {value}})
		require.Equal(t, present, reason == "", "one or the other, never absent")
	})
}

var oracleTimeout = regexp.MustCompile(`(?i)^(infinite|second-(\d+))$`)

// FuzzTimeout holds the parser against a regular expression and the rule: the
// first wish that can be granted, else the longest time there is.
func FuzzTimeout(f *testing.F) {
	f.Add("Second-300", int64(time.Minute))
	f.Add("Infinite, Second-4100000000", int64(time.Hour))
	f.Add("Second-0", int64(time.Second))
	f.Add(",,second-7\n,INFINITE", int64(5*time.Second))
	f.Add("Second-4294967296", int64(time.Hour))
	f.Add("", int64(time.Hour))
	f.Fuzz(func(t *testing.T, value string, longest int64) {
		if longest < int64(minTTL) {
			t.Skip("New refuses it")
		}
		own := terms{standard: minTTL, longest: time.Duration(longest)}
		lines := strings.Split(value, "\n")
		ttl, reason := own.timeoutOf(http.Header{"Timeout": lines})
		want, good := oracleOfTimeout(own, lines)
		require.Equal(t, good, reason == "", "%q: %s", lines, reason)
		if good {
			require.Equal(t, want, ttl, "%q", lines)
			require.GreaterOrEqual(t, ttl, minTTL)
			require.LessOrEqual(t, ttl, own.longest)
		}
	})
}

func oracleOfTimeout(own terms, lines []string) (ttl time.Duration, ok bool) {
	size, wishes := 0, 0
	for _, line := range lines {
		size += len(line) + 1
		for _, wish := range strings.Split(line, ",") {
			wish = strings.Trim(wish, " \t")
			if wish == "" {
				continue
			}
			m := oracleTimeout.FindStringSubmatch(wish)
			if m == nil {
				return 0, false
			}
			wishes++
			n := uint64(math.MaxUint64)
			if m[2] != "" {
				var err error
				if n, err = strconv.ParseUint(m[2], 10, 64); err != nil || n > math.MaxUint32 {
					return 0, false
				}
			}
			if ttl == 0 && n <= uint64(own.longest/time.Second) {
				ttl = max(time.Duration(n)*time.Second, time.Second)
			}
		}
	}
	if ttl == 0 {
		ttl = own.longest
	}
	return ttl, wishes > 0 && size <= maxTimeoutField
}
