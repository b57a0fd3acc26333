package collapse

// Runs returns how many runs can be joined, as they are counted for writes or
// found, whichever is more.
func (l *Layer) Runs() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		n += len(s.runs)
		s.mu.Unlock()
	}
	return max(n, int(l.writes.live.Load()))
}

// Waiting returns how many followers the runs have that can be joined.
func (l *Layer) Waiting() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for _, r := range s.runs {
			n += r.waiting
		}
		s.mu.Unlock()
	}
	return n
}

// Marks returns how many kinds of request are not collapsed for a while.
func (l *Layer) Marks() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		if s.marks != nil {
			n += s.marks.Len()
		}
		s.mu.Unlock()
	}
	return n
}
