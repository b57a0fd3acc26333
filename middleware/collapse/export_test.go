package collapse

// Runs returns how many runs can be joined, as they are counted for writes or
// found, whichever is more.
func (l *Layer) Runs() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for range s.all {
			n++
		}
		s.mu.Unlock()
	}
	return max(n, int(l.writes.live.Load()))
}

// Waiting returns how many followers the runs have that can be joined.
func (l *Layer) Waiting() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for r := range s.all {
			n += int(r.waiting)
		}
		s.mu.Unlock()
	}
	return n
}

// all gives the runs that can be found. The caller holds the lock.
func (s *shard) all(yield func(*run) bool) {
	if s.lone != nil && !yield(s.lone) {
		return
	}
	for _, r := range s.runs {
		if !yield(r) {
			return
		}
	}
}

// Marks returns how many kinds of request are not collapsed for a while.
func (l *Layer) Marks() (n int) {
	for i := range l.marks.shards {
		s := &l.marks.shards[i]
		s.mu.Lock()
		if s.lru != nil {
			n += s.lru.Len()
		}
		s.mu.Unlock()
	}
	return n
}
