package etag

import "strings"

// Limits on what a client may send. A field over one of them is malformed.
// They are far above what clients send and low enough that a hostile header
// costs microseconds: lengths are summed before anything is read.
const (
	// MaxFieldBytes limits an If-Match or If-None-Match, all its field lines
	// together and one byte more for each line; an If-Range; and an ETag.
	MaxFieldBytes = 16 << 10
	// MaxListTags limits the entity tags in an If-Match or If-None-Match.
	MaxListTags = 256
)

// tagList is an If-Match or If-None-Match. The zero value is an absent field.
type tagList struct {
	tags        []Tag // not empty, unless star or malformed; read-only
	present     bool
	star        bool   // the field is *
	malformed   reason // why it cannot be read
	transformed bool   // a tag also stands for what it may have been
}

// parse reads all field lines of a list together. Empty elements count for
// nothing (RFC 9110, section 5.6.1.2). A field without a single element is
// malformed, although the grammar would let it pass: a client that sent an
// If-Match meant to guard its write.
//
// A sole tag, which is the usual case, goes to room; nil: it is allocated.
func (l *tagList) parse(lines []string, room *[1]Tag) {
	if len(lines) == 0 {
		return
	}
	l.present = true
	if tag, ok := soleTag(lines); ok {
		if room == nil {
			room = new([1]Tag)
		}
		room[0] = tag
		l.tags = room[:]
		return
	}
	l.tags, l.star, l.malformed = readList(lines)
}

func readList(lines []string) (tags []Tag, star bool, malformed reason) {
	count, malformed := measureList(lines)
	if malformed != wellFormed {
		return nil, false, malformed
	}
	if len(lines) == 1 && strings.Trim(lines[0], ows) == "*" {
		return nil, true, wellFormed
	}
	tags = make([]Tag, 0, count)
	for _, line := range lines {
		if tags, malformed = appendLine(tags, line); malformed != wellFormed {
			return nil, false, malformed
		}
	}
	if len(tags) == 0 {
		return nil, false, empty
	}
	return tags, false, wellFormed
}

// soleTag reads the list that nearly every client sends: one tag, as it was
// given in an ETag field.
func soleTag(lines []string) (tag Tag, ok bool) {
	if len(lines) != 1 || len(lines[0]) >= MaxFieldBytes {
		return Tag{}, false
	}
	tag, rest, ok := scanTag(lines[0])
	return tag, ok && rest == ""
}

// measureList applies the limits, and returns how many tags the lines hold if
// they are well-formed: each tag has two quotes, and they stand nowhere else.
func measureList(lines []string) (count int, malformed reason) {
	bytes := 0
	for _, line := range lines {
		// The line break counts, or a million empty lines would be free.
		if bytes += len(line) + 1; bytes > MaxFieldBytes {
			return 0, tooLong
		}
	}
	for _, line := range lines {
		count += strings.Count(line, `"`)
	}
	if count /= 2; count > MaxListTags {
		return 0, tooMany
	}
	return count, wellFormed
}

// appendLine appends the tags of one field line.
func appendLine(tags []Tag, line string) (all []Tag, malformed reason) {
	for {
		line = strings.TrimLeft(line, ","+ows)
		if line == "" {
			return tags, wellFormed
		}
		tag, rest, ok := scanTag(line)
		if !ok {
			if line[0] == '*' {
				return nil, starBeside
			}
			return nil, notAList
		}
		tags = append(tags, tag)
		line = strings.TrimLeft(rest, ows)
		if line != "" && line[0] != ',' {
			return nil, notAList
		}
	}
}

// err is the [*FieldError] of a list that cannot be read, or nil.
func (l tagList) err(field string) error {
	if l.malformed == wellFormed {
		return nil
	}
	return &FieldError{Field: field, Reason: l.malformed.String()}
}

// matches reports whether one of the tags matches the current one.
func (l tagList) matches(current Tag, match func(a, b Tag) bool) bool {
	for _, tag := range l.tags {
		if match(tag, current) || l.transformed && tag.mayHaveBeen(current) {
			return true
		}
	}
	return false
}
