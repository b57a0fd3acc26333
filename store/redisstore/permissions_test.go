//go:build unix

package redisstore_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/internal/testserver"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/redisstore"
)

// TestThePermissionsOfTheREADMEAreEnough takes every step as the user whom README.md
// makes, and no other.
func TestThePermissionsOfTheREADMEAreEnough(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	command := regexp.MustCompile(`(?m)^ {4}ACL SETUSER shop (.*)$`).FindStringSubmatch(string(text))
	require.Len(t, command, 2)
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	admin := newClient(t, url)
	require.NoError(t, admin.Do(context.Background(), aclSetUser("shop", command[1])...).Err())
	shop := newClient(t, url, func(o *redis.Options) { o.Username, o.Password = "shop", "secret" })

	s := newStore(t, shop, redisstore.Config{Prefix: "shop:" + newPrefix(), Recheck: 10 * time.Millisecond})
	r := mustCreate(t, s, "key", record("r"))
	for range 3 {
		woken := watching(t, s, "key", r.Version)
		time.Sleep(50 * time.Millisecond) // pings, too
		r = mustReplace(t, s, "key", r.Version, record("next"))
		require.NoError(t, <-woken)
	}
	_, _, err = s.Get(context.Background(), "key")
	require.NoError(t, err)
	_, err = s.Delete(context.Background(), "key", r.Version)
	require.NoError(t, err)
	denied, err := admin.Do(context.Background(), "ACL", "LOG").Slice()
	require.NoError(t, err)
	assert.Empty(t, denied)
}

// TestWhoMayNotPublishChangesNothing forbids the message that a Replace sends.
func TestWhoMayNotPublishChangesNothing(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	admin, prefix := newClient(t, url), newPrefix()
	require.NoError(t, admin.Do(context.Background(), aclSetUser("shop", "on nopass ~* +@all resetchannels")...).Err())
	s := newStore(t, newClient(t, url, func(o *redis.Options) { o.Username, o.Password = "shop", "any" }), redisstore.Config{Prefix: prefix})
	ctx := context.Background()
	r := mustCreate(t, s, "key", record("r"))
	_, replaced, err := s.Replace(ctx, "key", r.Version, record("next"))
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.False(t, replaced)
	_, err = s.Delete(ctx, "key", r.Version)
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.ErrorIs(t, s.Watch(ctx, "key", r.Version), store.ErrUnavailable)
	got, found, err := s.Get(ctx, "key")
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, r.Version, got.Version)
	assert.True(t, strings.HasPrefix(string(got.Body), "body of r"))
}

// TestAMasterWithoutItsReplicasAnswersNothing is one that may have been replaced
// by one of them.
func TestAMasterWithoutItsReplicasAnswersNothing(t *testing.T) {
	url, _ := testserver.PrivateRedis(t, "--appendfsync", "no")
	client := newClient(t, url)
	s, ctx := newStore(t, client, redisstore.Config{}), context.Background()
	r := mustCreate(t, s, "key", record("r"))
	require.NoError(t, client.ConfigSet(ctx, "min-replicas-to-write", "1").Err())
	everyMethodFails(t, s, "key", r.Version, store.ErrUnavailable)
	require.NoError(t, client.ConfigSet(ctx, "min-replicas-to-write", "0").Err())
	mustReplace(t, s, "key", r.Version, record("next"))
}
