package servertest

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/natsstore"
)

// TestMigrateAndCheck: a bucket is made once, by whoever comes first, and one
// that breaks the contract is reported with all that is wrong.
func TestMigrateAndCheck(t *testing.T) {
	conn := ConnectURL(t, address(t))
	c := natsstore.Config{Conn: conn, Bucket: newBucket()}
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			s, err := natsstore.New(c)
			if err == nil {
				err = s.Migrate(t.Context())
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	b := stream(t, conn, c.Bucket)
	broken := b.CachedInfo().Config
	broken.MaxBytes, broken.AllowDirect, broken.Discard = 1<<20, true, jetstream.DiscardOld
	_, err := b.js.UpdateStream(t.Context(), broken)
	require.NoError(t, err)
	s, err := natsstore.New(c)
	require.NoError(t, err)
	for _, err := range []error{s.Check(t.Context()), s.Migrate(t.Context())} {
		require.ErrorContains(t, err, "max_bytes")
		require.ErrorContains(t, err, "allow_direct")
		require.NotContains(t, err.Error(), "storage")
		var mistake *store.ConfigError
		require.ErrorAs(t, err, &mistake)
	}
	require.NoError(t, b.js.DeleteStream(t.Context(), "KV_"+c.Bucket))
}

// TestBucketsThatTakeNoRecords: what refuses what the store writes is reported
// before it does.
func TestBucketsThatTakeNoRecords(t *testing.T) {
	conn := ConnectURL(t, address(t))
	_, name := openNamed(t, natsstore.Config{Conn: conn})
	b := stream(t, conn, name)
	for field, change := range map[string]func(*jetstream.StreamConfig){
		"discard_new_per_subject": func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject = true },
		"allow_msg_counter": func(c *jetstream.StreamConfig) {
			c.AllowMsgCounter, c.Discard, c.AllowMsgTTL = true, jetstream.DiscardOld, false
		},
	} {
		t.Run(field, func(t *testing.T) {
			c, broken := natsstore.Config{Conn: conn, Bucket: newBucket()}, b.CachedInfo().Config
			broken.Name, broken.Subjects, broken.RePublish = "KV_"+c.Bucket, []string{subject(c.Bucket, ">")}, nil
			change(&broken)
			_, err := b.js.CreateStream(t.Context(), broken)
			require.NoError(t, err)
			defer func() { require.NoError(t, b.js.DeleteStream(t.Context(), broken.Name)) }()
			s, err := natsstore.New(c)
			require.NoError(t, err)
			require.ErrorContains(t, s.Check(t.Context()), field)
			require.ErrorContains(t, s.Migrate(t.Context()), field)
		})
	}
}
