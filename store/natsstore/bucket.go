package natsstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Migrate makes the bucket if there is none, and checks the one that there is.
// It may be called by several servers at once, at each start. What it finds it
// does not change.
//
// The sequences of a new bucket begin with the time in µs, so that one that was
// deleted and made again goes on with greater versions.
func (s *Store) Migrate(ctx context.Context) error {
	within, cancel, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	js, err := jetstream.New(s.config.Conn)
	if err != nil {
		return s.failure(ctx, err)
	}
	_, err = js.CreateStream(within, s.wanted(time.Now()))
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return s.failure(ctx, fmt.Errorf("making bucket %q: %w", s.config.Bucket, err))
	}
	return s.Check(ctx)
}

// wanted is how Migrate makes the stream of the bucket.
func (s *Store) wanted(now time.Time) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        s.names.stream,
		Description: "Concord records",
		Subjects:    []string{s.names.records + ">"},
		Storage:     jetstream.FileStorage,
		Replicas:    s.config.Replicas,
		Discard:     jetstream.DiscardNew,
		// One message a key, and nothing goes but what is written over or has
		// outlived itself: a limit would evict heads, or refuse a Replace.
		MaxMsgsPerSubject: 1,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgSize:        -1,
		MaxConsumers:      -1,
		AllowMsgTTL:       true,
		AllowRollup:       true, // nats kv purge wants it
		DenyDelete:        true,
		AllowDirect:       false, // replicas that lag behind would answer
		FirstSeq:          uint64(max(1, now.UnixMicro())),
		RePublish: &jetstream.RePublish{
			Source:      s.names.records + ">",
			Destination: s.names.changes + ">",
			HeadersOnly: true,
		},
	}
}
