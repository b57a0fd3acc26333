package natsstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/concordhttp/concord/store"
)

// Check reports whether the settings of the bucket keep the contract: the error
// joins a *store.ConfigError for each that breaks it, named as in the server's
// own API. What a client cannot see, above all sync_interval, it cannot check.
func (s *Store) Check(ctx context.Context) error {
	within, cancel, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	js, err := jetstream.New(s.config.Conn)
	if err != nil {
		return s.failure(ctx, err)
	}
	stream, err := js.Stream(within, s.names.stream)
	if err != nil {
		return s.failure(ctx, fmt.Errorf("bucket %q: %w", s.config.Bucket, err))
	}
	is := stream.CachedInfo().Config
	return errors.Join(breaches(&is, s.names, s.config.Replicas), s.payload())
}

// payload returns what is wrong with the largest message of the server.
func (s *Store) payload() error {
	if most := s.config.Conn.MaxPayload(); most < store.MaxHead+largestOverhead {
		return &store.ConfigError{Field: "max_payload", Value: most, Reason: fmt.Sprintf("must hold a head of %d bytes", store.MaxHead)}
	}
	return nil
}

// largestOverhead is how many bytes a message has beside head and body.
const largestOverhead = 1 << 10

// breaches returns each setting of a stream that breaks the contract.
func breaches(is *jetstream.StreamConfig, n names, replicas int) error {
	var errs []error
	want := func(holds bool, field string, value any, reason string) {
		if !holds {
			errs = append(errs, &store.ConfigError{Field: "Bucket." + field, Value: value, Reason: reason})
		}
	}
	want(is.AllowMsgTTL, "allow_msg_ttl", is.AllowMsgTTL, "must be true, or what has expired stays for ever; NATS has it since 2.11")
	want(is.MaxMsgsPerSubject == 1, "max_msgs_per_subject", is.MaxMsgsPerSubject, "must be 1: only the last message of a key is a record")
	want(!is.DiscardNewPerSubject, "discard_new_per_subject", is.DiscardNewPerSubject, "must be false, or a record can be neither replaced nor deleted")
	want(!is.AllowMsgCounter, "allow_msg_counter", is.AllowMsgCounter, "must be false: records are no counters, and would be refused")
	want(is.MaxMsgs <= 0, "max_msgs", is.MaxMsgs, "must be -1: at the limit records are evicted or cannot be replaced")
	want(is.MaxBytes <= 0, "max_bytes", is.MaxBytes, "must be -1: at the limit records are evicted or cannot be replaced")
	want(is.MaxAge == 0, "max_age", is.MaxAge, "must be 0: records have times to live of their own")
	want(is.MaxMsgSize <= 0 || is.MaxMsgSize >= store.MaxHead+largestOverhead, "max_msg_size", is.MaxMsgSize, "must hold the largest head")
	want(is.SubjectDeleteMarkerTTL == 0, "subject_delete_marker_ttl", is.SubjectDeleteMarkerTTL, "must be 0: a marker would take the place of what has expired")
	want(is.Storage == jetstream.FileStorage, "storage", is.Storage, "must be file: versions have to outlive a restart")
	want(is.PersistMode == jetstream.DefaultPersistMode, "persist_mode", is.PersistMode, "must be the default: what is acknowledged has to be written")
	want(is.Retention == jetstream.LimitsPolicy, "retention", is.Retention, "must be limits: reading removes nothing")
	want(is.Replicas >= replicas, "num_replicas", is.Replicas, fmt.Sprintf("must be %d, as configured", replicas))
	want(is.FirstSeq > 1, "first_seq", is.FirstSeq, "must be the time in µs when the bucket was made, or versions come again after it was deleted")
	want(!is.NoAck, "no_ack", is.NoAck, "must be false")
	want(!is.Sealed, "sealed", is.Sealed, "must be false")
	want(!is.AllowDirect && !is.MirrorDirect, "allow_direct", true, "must be false: replicas that lag behind would answer other clients")
	want(is.Mirror == nil && len(is.Sources) == 0, "mirror and sources", "set", "must not be: only stores write to the bucket")
	want(is.SubjectTransform == nil, "subject_transform", is.SubjectTransform, "must not be set")
	want(slices.Equal(is.Subjects, []string{n.records + ">"}), "subjects", is.Subjects, "must be "+n.records+"> alone")
	want(is.RePublish != nil && is.RePublish.Source == n.records+">" && is.RePublish.Destination == n.changes+">",
		"republish", is.RePublish, "must be from "+n.records+"> to "+n.changes+">, or those who watch wait for seconds")
	return errors.Join(errs...)
}
