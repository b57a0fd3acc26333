package collapse

import (
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// stream is the part of an answer that is being written which those who read
// along can still get. It is a window over the last bytes: the leader waits for
// nobody.
type stream struct {
	window  int64 // how much is held, in bytes; one chunk may stand out
	readers atomic.Int64
	blocked atomic.Int64 // since when the leader's client takes nothing; 0: it is not being written to

	mu       sync.Mutex
	chunks   []chunk // none empty
	end      int64   // how much was written so far
	more     chan struct{}
	complete bool
	aborted  bool
	trailers []field
}

// chunk is some of the answer. Only the last is written to, behind what anybody
// has read.
type chunk struct {
	start int64 // where in the answer it begins
	b     []byte
}

// minChunk is the room of a chunk, in bytes, so that an answer that is written a
// few bytes at a time does not become as many chunks.
const minChunk = 4 << 10

// window is how much of an answer is held for those who read along, in bytes. Of
// one that is no longer, nobody can fall behind.
func (r *run) window() int64 { return 2 * r.handler.layer.config.MaxBody }

// beginStream lets those who wait read along, if there are any and they may. It
// returns nil if nobody does.
func (r *run) beginStream(status int, fields http.Header) *stream {
	r.shard.mu.Lock()
	r.sent = true
	r.shard.mu.Unlock()
	if r.close() == 0 {
		return nil
	}
	if !shareable(status, fields) || r.mayRunAway() {
		r.refuse()
		return nil
	}
	addStatus(fields, collapsed)
	s := &stream{window: r.window()}
	if !r.decide(&outcome{answer: r.answerOf(status, fields), stream: s}) {
		return nil
	}
	return s
}

// mayRunAway reports whether the answer may outgrow the window while the leader's
// client takes none of it, because a layer outside tells it that it has it
// already: nothing would then keep the handler to the pace of any client.
func (r *run) mayRunAway() bool { return r.key.conditional && r.recorder.DeclaredLength() < 0 }

// write adds p, and drops what is too old. It reports whether anybody reads.
func (s *stream) write(p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readers.Load() == 0 {
		s.chunks = nil
		return false
	}
	s.add(p)
	drop := 0
	for drop < len(s.chunks)-1 && s.end-s.chunks[drop+1].start >= s.window {
		drop++
	}
	s.chunks = slices.Delete(s.chunks, 0, drop)
	s.wake()
	return true
}

func (s *stream) add(p []byte) {
	last := len(s.chunks) - 1
	if last >= 0 && cap(s.chunks[last].b)-len(s.chunks[last].b) >= len(p) {
		s.chunks[last].b = append(s.chunks[last].b, p...)
	} else {
		room := max(len(p), minChunk)
		if s.end == 0 {
			room = len(p) // what the server may guess the type of is the same for everybody
		}
		s.chunks = append(s.chunks, chunk{s.end, append(make([]byte, 0, room), p...)})
	}
	s.end += int64(len(p))
}

func (s *stream) wake() {
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
}

// progress is how reading along goes on.
type progress uint8

const (
	someMore progress = iota // there are bytes
	waits                    // for more to be written
	ended                    // that was all
	lost                     // the reader has fallen behind, or the answer breaks off
)

// read returns what there is from pos on, as far as one chunk goes, or else what
// tells that there is more.
func (s *stream) read(pos int64) (p []byte, more <-chan struct{}, how progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.aborted || len(s.chunks) > 0 && pos < s.chunks[0].start:
		return nil, nil, lost
	case pos < s.end:
		i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].start > pos }) - 1
		c := s.chunks[i]
		return c.b[pos-c.start:], nil, someMore
	case s.complete:
		return nil, nil, ended
	case s.more == nil:
		s.more = make(chan struct{})
	}
	return nil, s.more, waits
}

// endStream tells those who read along how it ended. The first to tell is right.
func (r *run) endStream(returned bool) {
	r.shard.mu.Lock()
	o := r.outcome
	r.shard.mu.Unlock()
	if o == nil || o.stream == nil {
		return
	}
	s := o.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete || s.aborted {
		return
	}
	s.complete, s.aborted = returned, !returned
	if returned {
		s.trailers = trailersIn(r.w.Header())
	}
	s.wake()
}

// trailersIn copies the trailers that were set without being declared.
func trailersIn(fields http.Header) (trailers []field) {
	for name, lines := range fields {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			trailers = append(trailers, field{name, slices.Clone(lines)})
		}
	}
	return trailers
}
