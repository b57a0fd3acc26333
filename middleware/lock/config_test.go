package lock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// byValue is a store whose type cannot be compared.
type byValue struct {
	store.Store
	_ []int
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := lock.New(lock.Config{
		Store: byValue{Store: memory.New(memory.Config{})}, TTL: time.Millisecond, MaxTTL: time.Millisecond, Status: 412,
		MaxBody: -1, GateLease: -1, MaxRun: -1,
	})
	require.Error(t, err)
	var fields []string
	var collect func(error)
	collect = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				collect(err)
			}
			return
		}
		mistake, ok := errors.AsType[*store.ConfigError](err)
		require.True(t, ok, "%v", err)
		fields = append(fields, mistake.Field)
	}
	collect(err)
	assert.ElementsMatch(t, []string{
		"lock.Config.Principal", "lock.Config.MaxTTL", "lock.Config.TTL", "lock.Config.Status", "lock.Config.MaxBody",
		"lock.Config.Store", "lock.Config.GateLease", "lock.Config.MaxRun",
	}, fields)
}

func TestTimesThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		config lock.Config
		good   bool
	}{
		{lock.Config{}, true},
		{lock.Config{TTL: time.Second, MaxTTL: time.Second}, true},
		{lock.Config{TTL: 10 * time.Minute}, true},
		{lock.Config{MaxTTL: (1<<32 - 1) * time.Second}, true},
		{lock.Config{Status: 409}, true},
		{lock.Config{Status: 423}, true},
		{lock.Config{GateWait: -1}, true},
		{lock.Config{TTL: 10*time.Minute + 1}, false},
		{lock.Config{TTL: 2 * time.Second, MaxTTL: time.Second}, false},
		{lock.Config{TTL: -1}, false},
		{lock.Config{MaxTTL: -1}, false},
		{lock.Config{MaxTTL: 1 << 32 * time.Second}, false},
		{lock.Config{Status: 200}, false},
	} {
		c.config.Principal = middleware.DangerouslyShared
		_, err := lock.New(c.config)
		assert.Equal(t, c.good, err == nil, "%v: %v", c.config, err)
	}
}

func TestNamespacesKeepLocksApart(t *testing.T) {
	shared := memory.New(memory.Config{})
	one := protect(t, lock.Config{Store: shared, Namespace: "one"}, &documents{})
	two := protect(t, lock.Config{Store: shared, Namespace: "two"}, &documents{})
	take(t, one, "ann", "/a")
	take(t, two, "bob", "/a")
}
