package etag

// rangeCondition is the If-Range of a request that has a Range: an entity tag,
// or a date, or neither if it cannot be read. The zero value is an absent
// field.
type rangeCondition struct {
	present bool
	tag     Tag
	date    date
}

// parseIfRange reads If-Range: RFC 9110, section 13.1.5. A field that comes
// twice or cannot be read is a condition that never holds, because a part of
// the wrong representation is worse than the whole of the right one.
func parseIfRange(lines []string) rangeCondition {
	if len(lines) == 0 {
		return rangeCondition{}
	}
	value, ok := singleValue(lines)
	if !ok {
		return rangeCondition{present: true}
	}
	if tag, err := Parse(value); err == nil {
		return rangeCondition{present: true, tag: tag}
	}
	return rangeCondition{present: true, date: parseDate(value)}
}

// holds reports whether the client's part belongs to the current
// representation: strong comparison, and a date that is exactly the same. An
// earlier or later date says nothing.
func (c rangeCondition) holds(s State) bool {
	if c.date.set {
		return c.date == dateOf(s.LastModified)
	}
	return StrongMatch(c.tag, s.Tag)
}
