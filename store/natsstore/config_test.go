package natsstore

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

func TestEveryMistakeIsReported(t *testing.T) {
	_, err := New(Config{
		Bucket: "a.b", Timeout: -1, MaxRecords: -1, MaxBytes: -1, MaxBody: -1,
		MaxWaiters: -1, MaxSkew: -1, Grace: -1, Replicas: 2,
	})
	var fields []string
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok, "%v", err)
	for _, err := range joined.Unwrap() {
		var mistake *store.ConfigError
		require.ErrorAs(t, err, &mistake)
		fields = append(fields, mistake.Field)
	}
	assert.Equal(t, []string{
		"Conn", "Bucket", "Timeout", "MaxRecords", "MaxBytes", "MaxBody", "MaxWaiters", "MaxSkew", "Grace", "Replicas",
	}, fields)
}

func TestNewTalksToNobody(t *testing.T) {
	s, err := New(Config{Conn: &nats.Conn{}})
	require.NoError(t, err)
	assert.Equal(t, DefaultTimeout, s.config.Timeout)
	assert.Equal(t, store.Grace, s.config.Grace)
	assert.Equal(t, names{stream: "KV_concord", records: "$KV.concord.", changes: "concord.changed.concord."}, s.names)
	require.NoError(t, s.Close())
	_, _, err = s.Get(t.Context(), "key")
	require.ErrorIs(t, err, store.ErrClosed)
}

// TestABucketThatMigrateMakesIsSound: and each setting that breaks the contract
// is told from it.
func TestABucketThatMigrateMakesIsSound(t *testing.T) {
	s, err := New(Config{Conn: &nats.Conn{}, Replicas: 3})
	require.NoError(t, err)
	sound := s.wanted(time.Now())
	require.NoError(t, breaches(&sound, s.names, 3))

	broken := sound
	broken.AllowMsgTTL, broken.MaxMsgsPerSubject, broken.MaxMsgs, broken.MaxBytes = false, 64, 1, 1
	broken.MaxAge, broken.MaxMsgSize, broken.SubjectDeleteMarkerTTL, broken.Storage = 1, 1, 1, 1
	broken.PersistMode, broken.Retention, broken.Replicas, broken.FirstSeq = 1, 1, 1, 0
	broken.NoAck, broken.Sealed, broken.AllowDirect, broken.Subjects, broken.RePublish = true, true, true, nil, nil
	err = breaches(&broken, s.names, 3)
	for _, field := range []string{
		"allow_msg_ttl", "max_msgs_per_subject", "max_msgs", "max_bytes", "max_age", "max_msg_size",
		"subject_delete_marker_ttl", "storage", "persist_mode", "retention", "num_replicas", "first_seq",
		"no_ack", "sealed", "allow_direct", "subjects", "republish",
	} {
		assert.ErrorContains(t, err, "Bucket."+field)
	}
	assert.NotErrorIs(t, err, errors.ErrUnsupported)
}
