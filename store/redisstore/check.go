package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// What [Store.Check] finds.
var (
	// ErrEvicts: the server drops keys when it is short of memory, claims that
	// are held among them. Only maxmemory-policy noeviction keeps them.
	ErrEvicts = errors.New("redisstore: the server evicts records")
	// ErrForgets: the server writes nothing to its disk, so a restart loses
	// every record, and a request that was answered before runs again.
	ErrForgets = errors.New("redisstore: the server forgets all records when it restarts")
	// ErrUncertain: the server does not tell, as some that are managed by others
	// do not. Their documentation has to.
	ErrUncertain = errors.New("redisstore: cannot find out whether the server keeps records")
)

// SettingError is a setting of a server that endangers the records in it.
type SettingError struct {
	Node    string // its address, as the client has it
	Setting string // its name in the server's configuration
	Value   string // empty where it could not be found out
	Err     error  // ErrEvicts, ErrForgets or ErrUncertain, perhaps with a cause
}

// Error names node, setting and value.
func (e *SettingError) Error() string {
	return fmt.Sprintf("%v: %s of %s is %q", e.Err, e.Setting, e.Node, e.Value)
}

// Unwrap returns what the setting means.
func (e *SettingError) Unwrap() error { return e.Err }

// Check reports what is wrong with the server for a store of records: that it
// cannot be reached or does not run the store's scripts, that it evicts, that it
// keeps nothing on its disk, or that one of these cannot be found out. In Cluster
// it looks at every master. The error joins a [SettingError] for each setting;
// errors.Is tells [ErrEvicts], [ErrForgets] and [ErrUncertain] apart.
//
// It is meant for the start of a program, which may go on all the same. What else
// the guarantees depend on is in README.md.
func (s *Store) Check(ctx context.Context) error {
	if err := s.usable(ctx, nil); err != nil {
		return err
	}
	if _, _, err := s.Get(ctx, "check"); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, s.config.CallTimeout)
	defer cancel()
	var mu sync.Mutex
	var found []*SettingError
	look := func(ctx context.Context, node *redis.Client) error {
		some := examine(ctx, node, node.Options().Addr)
		mu.Lock()
		defer mu.Unlock()
		found = append(found, some...)
		return nil
	}
	var err error
	switch c := s.client.(type) {
	case *redis.Client:
		err = look(within, c)
	case *redis.ClusterClient:
		err = c.ForEachMaster(within, look)
	default:
		found = examine(within, c, fmt.Sprintf("%T", c))
	}
	if err != nil {
		return failure(ctx, err)
	}
	slices.SortFunc(found, func(a, b *SettingError) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Setting, b.Setting))
	})
	errs := make([]error, 0, len(found)+1)
	for _, e := range found {
		errs = append(errs, e)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// informant is a server that is asked about itself.
type informant interface {
	Info(ctx context.Context, section ...string) *redis.StringCmd
	ConfigGet(ctx context.Context, parameter string) *redis.MapStringStringCmd
}

// examine asks INFO first, which is allowed where CONFIG is not.
func examine(ctx context.Context, server informant, node string) (found []*SettingError) {
	text, infoErr := server.Info(ctx).Result()
	info := fields(text)
	setting := func(name, told string) (string, error) {
		if value, ok := info[told]; ok && infoErr == nil {
			return value, nil
		}
		values, err := server.ConfigGet(ctx, name).Result()
		if value, ok := values[name]; ok && err == nil {
			return value, nil
		}
		return "", errors.Join(ErrUncertain, infoErr, err)
	}
	report := func(name, value string, err error) {
		found = append(found, &SettingError{Node: node, Setting: name, Value: value, Err: err})
	}

	policy, err := setting("maxmemory-policy", "maxmemory_policy")
	switch {
	case err != nil:
		report("maxmemory-policy", "", err)
	case policy != "noeviction":
		report("maxmemory-policy", policy, ErrEvicts)
	}
	appends, err := setting("appendonly", "aof_enabled")
	if err == nil && (appends == "1" || appends == "yes") {
		return found
	}
	if err != nil {
		report("appendonly", "", err)
	}
	saves, err := setting("save", "")
	switch {
	case err != nil:
		report("save", "", err)
	case saves == "" && appends != "":
		report("save", "", fmt.Errorf("%w: appendonly is no", ErrForgets))
	}
	return found
}

// fields reads the reply of INFO: lines of "name:value".
func fields(info string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	return values
}
