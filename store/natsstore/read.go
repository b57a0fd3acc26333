package natsstore

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/concordhttp/concord/store"
)

// found is what a read found at a key.
type found struct {
	sequence uint64       // of the last message; 0: there is none
	stands   bool         // it is a record that has not expired
	record   store.Record // that record
}

// stored is a message as the server shows it.
type stored struct {
	Sequence uint64    `json:"seq"`
	Header   []byte    `json:"hdrs"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
}

// read asks the leader for the last message of a key. An answer that is older
// than what this store knew before it asked comes from a server that was leader
// once.
func (s *Store) read(ctx context.Context, key string) (seen found, err error) {
	known := s.sights.of(key)
	var m *stored
	attempt := func() error {
		m, err = s.last(ctx, key)
		switch {
		case err != nil:
			return err
		case m == nil && known.sequence != 0:
			return s.checkNone(ctx, key, known.sequence)
		case m != nil && m.Sequence < known.sequence:
			return errStale
		}
		return nil
	}
	err = again(ctx, attempt, func(err error) bool { return !errors.Is(err, errStale) })
	if err != nil {
		return found{}, err
	}
	if m == nil {
		s.sights.forget(key, known.sequence)
		return found{}, nil
	}
	return s.judge(ctx, key, m)
}

// checkNone returns nil if it is certain that there was no message of a key any
// more once the stream had reached a sequence. It is what one server says of
// itself at one time, so it matters not that it may be another one than answered
// before.
func (s *Store) checkNone(ctx context.Context, key string, sequence uint64) error {
	subject := s.names.records + token(key)
	which, err := json.Marshal(map[string]string{"subjects_filter": subject})
	if err != nil {
		return err
	}
	answer, _, err := ask[struct {
		reply
		State struct {
			Last     uint64           `json:"last_seq"`
			Subjects map[string]int64 `json:"subjects"` // are counted after last was read
		} `json:"state"`
	}](ctx, &s.config, &nats.Msg{Subject: s.names.info(), Data: which})
	if err != nil {
		return err
	}
	if answer.State.Last < sequence || answer.State.Subjects[subject] != 0 {
		return errStale
	}
	return nil
}

// judge decides whether a message is a record that stands, and remembers it.
func (s *Store) judge(ctx context.Context, key string, m *stored) (found, error) {
	if m.tombstone() {
		s.sights.saw(key, sight{sequence: m.Sequence, gone: true})
		return found{sequence: m.Sequence}, nil
	}
	r, err := decode(m.Data)
	if err != nil {
		return found{}, err
	}
	asked := time.Now()
	now, err := s.now(ctx)
	if err != nil {
		return found{}, err
	}
	r.Version = m.Sequence
	r.Age, r.TTL = age(m.Time.UnixNano(), now, r.TTL)
	if r.TTL <= 0 {
		s.sights.saw(key, sight{sequence: m.Sequence, gone: true})
		return found{sequence: m.Sequence}, nil
	}
	s.sights.saw(key, sight{sequence: m.Sequence, until: surely(asked, r.TTL)})
	return found{sequence: m.Sequence, stands: true, record: r}, nil
}

// tombstone reports whether m says that there is no record: one of ours, or what
// the bucket's other tools and the server itself leave behind.
func (m *stored) tombstone() bool {
	if len(m.Data) > 0 || len(m.Header) == 0 {
		return false
	}
	header, err := nats.DecodeHeadersMsg(m.Header)
	if err != nil {
		return false
	}
	operation := header.Get(fieldOperation)
	return operation == operationGone || operation == "PURGE" || header.Get("Nats-Marker-Reason") != ""
}

// last returns the last message of a key, nil if there is none. The request is
// the one that the leader answers, whatever the bucket allows others.
func (s *Store) last(ctx context.Context, key string) (*stored, error) {
	which, err := json.Marshal(map[string]string{"last_by_subj": s.names.records + token(key)})
	if err != nil {
		return nil, err
	}
	answer, _, err := ask[struct {
		reply
		Message *stored `json:"message"`
	}](ctx, &s.config, &nats.Msg{Subject: "$JS.API.STREAM.MSG.GET." + s.names.stream, Data: which})
	switch {
	case errors.Is(err, errNone):
		return nil, nil
	case err != nil:
		return nil, err
	case answer.Message == nil || answer.Message.Sequence == 0:
		return nil, errors.New("the server's answer has no message")
	}
	return answer.Message, nil
}
