package memory

// deadlines is a binary heap of entries, the first to expire on top. Each entry
// knows its position, so that one in the middle can be moved or removed without
// a search. It is spelled out because container/heap, through its interface,
// costs a tenth of a Create and Delete.
type deadlines struct{ heap []*entry }

// add puts e in.
func (d *deadlines) add(e *entry) {
	d.heap = append(d.heap, e)
	d.put(len(d.heap)-1, e)
	d.up(e.position)
}

// remove takes e out.
func (d *deadlines) remove(e *entry) {
	hole, last := e.position, len(d.heap)-1
	filler := d.heap[last]
	d.heap[last] = nil // or the array would keep a removed record alive
	d.heap = d.heap[:last]
	if filler != e {
		d.put(hole, filler)
		d.moved(filler)
	}
}

// moved restores the order after e got another deadline or place.
func (d *deadlines) moved(e *entry) {
	d.up(e.position)
	d.down(e.position)
}

// expired returns an entry that has expired, or nil.
func (d *deadlines) expired(now instant) *entry {
	if len(d.heap) == 0 || d.heap[0].deadline > now {
		return nil
	}
	return d.heap[0]
}

func (d *deadlines) put(i int, e *entry) { d.heap[i], e.position = e, i }

// up moves the entry at i up past those that expire after it.
func (d *deadlines) up(i int) {
	e := d.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if d.heap[parent].deadline <= e.deadline {
			break
		}
		d.put(i, d.heap[parent])
		i = parent
	}
	d.put(i, e)
}

// down moves the entry at i down past those that expire before it.
func (d *deadlines) down(i int) {
	e := d.heap[i]
	for {
		child := 2*i + 1
		if child >= len(d.heap) {
			break
		}
		if right := child + 1; right < len(d.heap) && d.heap[right].deadline < d.heap[child].deadline {
			child = right
		}
		if d.heap[child].deadline >= e.deadline {
			break
		}
		d.put(i, d.heap[child])
		i = child
	}
	d.put(i, e)
}
