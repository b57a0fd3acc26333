package natsstore

import (
	"context"
	"errors"
	"time"

	"github.com/concordhttp/concord/store"
)

// The steps: what each method does once its time has begun to run. All end in
// a write that names the sequence that it follows. That another write to the
// key is under way is refused in the same words as that it has happened, and
// then a read shows what was there before: such a step is taken again.

// create writes after what is known to be gone or, where nothing is known,
// where nothing was ever written. What is known to stand, or may have expired
// by now, is read first.
func (s *Store) create(ctx context.Context, key string, r store.Record) (standing store.Record, created bool, err error) {
	known := s.sights.of(key)
	seen, looked := found{sequence: known.sequence}, known.sequence == 0 || known.gone
	attempt := func() error {
		if !looked {
			if seen, err = s.read(ctx, key); err != nil {
				return err
			}
			if seen.stands {
				standing = seen.record
				return nil
			}
		}
		looked = false
		standing, err = s.createAfter(ctx, key, seen.sequence, r)
		created = err == nil
		return err
	}
	err = again(ctx, attempt, func(err error) bool { return !errors.Is(err, errMoved) })
	return standing, created, err
}

// createAfter writes r after a sequence that is gone, 0 for none. Only the
// latter takes room for another record. Where there is none it looks whether a
// record stands that has to be shown.
func (s *Store) createAfter(ctx context.Context, key string, last uint64, r store.Record) (store.Record, error) {
	if last == 0 {
		room, err := s.take(ctx, &s.gauge.records, 1)
		if err != nil {
			return store.Record{}, err
		}
		if !room {
			seen, err := s.read(ctx, key)
			if err == nil && seen.sequence != 0 {
				err = errMoved
			} else if err == nil {
				err = errNoRoom
			}
			return store.Record{}, err
		}
		defer s.gauge.records.answered(1)
	}
	return s.put(ctx, key, last, r)
}

// replace writes over a version that is known to stand, or has been read.
func (s *Store) replace(ctx context.Context, key string, version uint64, r store.Record) (standing store.Record, replaced bool, err error) {
	shown, replaced, err := s.over(ctx, key, version, func() error {
		standing, err = s.put(ctx, key, version, r)
		if len(r.Body) > 0 && (errors.Is(err, errNoRoom) || errors.Is(err, errBulky)) {
			standing, err = s.putAsIs(ctx, key, version, dropBody(r))
		}
		return err
	})
	if !replaced {
		standing = shown
	}
	return standing, replaced, err
}

// remove writes a tombstone over a version that stands.
func (s *Store) remove(ctx context.Context, key string, version uint64) (bool, error) {
	_, removed, err := s.over(ctx, key, version, func() error {
		last, err := s.write(ctx, key, version, nil, 0)
		if err == nil {
			s.sights.saw(key, sight{sequence: last, gone: true})
		}
		return err
	})
	return removed, err
}

// over takes a step on the version that stands, and returns what stands instead
// if it is not that version.
func (s *Store) over(ctx context.Context, key string, version uint64, step func() error) (shown store.Record, done bool, err error) {
	looked := s.sights.of(key).stands(version, time.Now())
	attempt := func() error {
		if !looked {
			seen, err := s.read(ctx, key)
			if err != nil {
				return err
			}
			if !seen.stands || seen.sequence != version {
				shown = seen.record
				return nil
			}
		}
		looked = false
		err := step()
		done = err == nil
		return err
	}
	err = again(ctx, attempt, func(err error) bool { return !errors.Is(err, errMoved) })
	return shown, done, err
}

// put writes r after a sequence, without its body if there is no room for it.
func (s *Store) put(ctx context.Context, key string, last uint64, r store.Record) (store.Record, error) {
	r.Dropped = false
	if len(r.Body) > 0 {
		room := len(r.Body) <= s.config.MaxBody
		if room {
			var err error
			if room, err = s.take(ctx, &s.gauge.bytes, int64(len(r.Body))); err != nil {
				return store.Record{}, err
			}
		}
		if !room {
			return s.putAsIs(ctx, key, last, dropBody(r))
		}
		defer s.gauge.bytes.answered(int64(len(r.Body)))
	}
	return s.putAsIs(ctx, key, last, r)
}

func dropBody(r store.Record) store.Record {
	r.Body, r.Dropped = nil, true
	return r
}

// putAsIs writes r without asking for room.
func (s *Store) putAsIs(ctx context.Context, key string, last uint64, r store.Record) (store.Record, error) {
	sent := time.Now()
	sequence, err := s.write(ctx, key, last, encode(r), r.TTL)
	if err != nil {
		return store.Record{}, err
	}
	r.Version, r.Age = sequence, 0
	s.sights.saw(key, sight{sequence: sequence, until: surely(sent, r.TTL)})
	return r, nil
}
