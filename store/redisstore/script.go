package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // it is what Redis calls scripts by, no protection
	_ "embed"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The scripts, what each of them begins with, and what those that write end with.
var (
	//go:embed lua/record.lua
	recordSource string
	//go:embed lua/write.lua
	writeSource string
	//go:embed lua/get.lua
	getSource string
	//go:embed lua/create.lua
	createSource string
	//go:embed lua/replace.lua
	replaceSource string
	//go:embed lua/delete.lua
	deleteSource string
	//go:embed lua/watch.lua
	watchSource string
)

// A script without flags is refused by a server that is out of memory, before it
// begins; one that has allow-oom is not. None has no-writes, not even those that
// only read: such a script would be carried out by replicas too, and by a master
// that has lost the replicas it needs to be one. What reads must have allow-oom
// instead.
const (
	refusedWhenFull = "#!lua\n"
	allowedWhenFull = "#!lua flags=allow-oom\n"
)

var (
	getScript         = newScript(allowedWhenFull, getSource)
	createScript      = newScript(refusedWhenFull, createSource, writeSource)
	replaceScript     = newScript(refusedWhenFull, replaceSource, writeSource)
	replaceFullScript = newScript(allowedWhenFull, replaceSource, writeSource)
	deleteScript      = newScript(allowedWhenFull, deleteSource)
	watchScript       = newScript(allowedWhenFull, watchSource)
)

// script is a Lua script and the name that servers know it by.
type script struct{ source, sha string }

func newScript(shebang string, parts ...string) *script {
	source := shebang + recordSource + strings.Join(parts, "")
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return &script{source, hex.EncodeToString(sum[:])}
}

// evaluator is a client, or a pipeline of one.
type evaluator interface {
	Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd
	EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd
}

// send sends the script to e: its name or, to a server that does not know it, the
// whole of it.
func (c *script) send(ctx context.Context, e evaluator, whole bool, name string, args []any) *redis.Cmd {
	if whole {
		return e.Eval(ctx, c.source, []string{name}, args...)
	}
	return e.EvalSha(ctx, c.sha, []string{name}, args...)
}

// bounded is ctx, which ends when Config.CallTimeout is over at the latest.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.config.CallTimeout)
}

// run runs a script, and returns the server's reply. Nil without an error is
// Lua's false: there is no record.
func (s *Store) run(ctx context.Context, c *script, key string, args ...any) (any, error) {
	return known(func(whole bool) (any, error) {
		return c.send(ctx, s.client, whole, s.config.Prefix+key, args).Result()
	})
}

// known asks for a script by its name, and with the whole of it if the server
// does not know it, as after a restart or a failover.
func known(ask func(whole bool) (any, error)) (any, error) {
	reply, err := ask(false)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		reply, err = ask(true)
	}
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return reply, err
}
