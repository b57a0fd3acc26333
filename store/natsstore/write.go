package natsstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Header fields of a message. The last two are how other clients of the bucket
// know a tombstone.
const (
	fieldStream    = "Nats-Expected-Stream"
	fieldLast      = "Nats-Expected-Last-Subject-Sequence"
	fieldTTL       = "Nats-TTL"
	fieldOperation = "KV-Operation"
	operationGone  = "DEL"
)

// longestLife is how long the server is told to keep a message at most; its
// clock ends in the year 2262.
const longestLife = 100 * 365 * 24 * time.Hour

// write puts a message after the one that must be the last of its key, 0 if there
// must be none, and returns its sequence. Without a payload it is a tombstone.
func (s *Store) write(ctx context.Context, key string, last uint64, payload []byte, ttl time.Duration) (uint64, error) {
	m := &nats.Msg{
		Subject: s.names.records + token(key),
		Data:    payload,
		Header: nats.Header{
			fieldStream: {s.names.stream},
			fieldLast:   {strconv.FormatUint(last, 10)},
			fieldTTL:    {seconds(ttl, s.config.Grace)},
		},
	}
	if payload == nil {
		m.Header[fieldOperation] = []string{operationGone}
	}
	ack, _, err := request[struct {
		reply
		Stream   string `json:"stream"`
		Sequence uint64 `json:"seq"`
	}](ctx, &s.config, m)
	switch {
	case err != nil:
	case ack.Stream != s.names.stream || ack.Sequence <= last:
		err = fmt.Errorf("sequence %d of stream %q after %d", ack.Sequence, ack.Stream, last)
	}
	if err != nil {
		s.sights.doubt(key, last)
		return 0, err
	}
	return ack.Sequence, nil
}

// seconds is how long the server keeps a message that lives for ttl.
func seconds(ttl, grace time.Duration) string {
	kept := min(ttl, longestLife) + min(grace, longestLife)
	return strconv.FormatInt(int64((kept+time.Second-1)/time.Second), 10)
}
