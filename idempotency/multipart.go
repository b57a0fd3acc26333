package idempotency

import (
	"bytes"
	"maps"
	"mime"
	"slices"
	"strings"
)

// Limits on a multipart body that is taken apart. One over them is bytes like
// any other: safe, but another attempt at it is another request.
const (
	maxMultipartType = 1 << 10 // bytes of the Content-Type
	maxBoundary      = 70      // characters: RFC 2046, section 5.1.1
	maxParts         = 1000    // as many as mime/multipart reads into a form
	maxPartFields    = 32
)

// multipart is a multipart body without its boundary, which a client draws anew
// for each attempt. All else is in it.
type multipart struct {
	mediaType string
	params    map[string]string // but the boundary
	preamble  []byte            // before the first boundary, usually nothing
	parts     []part
	epilogue  []byte // behind the last
}

// part has its fields in the order of their names: some clients keep them in
// hash maps, and send them in another order each time.
type part struct {
	fields  []partField
	content []byte // as it was sent, no transfer coding undone
}

type partField struct {
	name  string // in lower case
	value []byte
}

// parseMultipart takes a body apart, or says that it is to be taken as bytes.
// It is stricter than those who read forms (RFC 2046, section 5.1): what it
// refuses costs a client whose boundaries change its replay, while what it read
// otherwise than the handler does could make two requests one. So wherever the
// boundary occurs, it must be a delimiter without a flaw.
func parseMultipart(contentType string, body []byte) (m multipart, ok bool) {
	boundary, ok := m.parseType(contentType)
	if !ok {
		return multipart{}, false
	}
	delimiter := []byte("--" + boundary)
	preamble, rest, ok := bytes.Cut(body, delimiter)
	if !ok || len(preamble) > 0 && !bytes.HasSuffix(preamble, crlf) {
		return multipart{}, false
	}
	m.preamble = preamble
	for len(m.parts) <= maxParts {
		section, behind, more := bytes.Cut(rest, delimiter)
		if !more {
			m.epilogue, ok = bytes.CutPrefix(rest, dashes)
			return m, ok && (len(m.epilogue) == 0 || bytes.HasPrefix(m.epilogue, crlf))
		}
		p, ok := parsePart(section)
		if !ok {
			return multipart{}, false
		}
		m.parts = append(m.parts, p)
		rest = behind
	}
	return multipart{}, false
}

var (
	crlf   = []byte("\r\n")
	dashes = []byte("--")
)

// parseType reads the Content-Type. The prefix is looked at first, since nearly
// no body is multipart.
func (m *multipart) parseType(contentType string) (boundary string, ok bool) {
	const prefix = "multipart/"
	if len(contentType) < len(prefix) || len(contentType) > maxMultipartType ||
		!strings.EqualFold(contentType[:len(prefix)], prefix) {
		return "", false
	}
	var err error
	if m.mediaType, m.params, err = mime.ParseMediaType(contentType); err != nil {
		return "", false
	}
	boundary = m.params["boundary"]
	delete(m.params, "boundary")
	return boundary, boundary != "" && len(boundary) <= maxBoundary &&
		skip(boundary, isBoundary) == "" && boundary[len(boundary)-1] != ' '
}

// isBoundary: bchars of RFC 2046, section 5.1.1.
func isBoundary(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("'()+_,-./:=? ", c) >= 0
}

// parsePart reads what is between two delimiters: the end of the first one's
// line, the fields, an empty line, the content, and the line break that belongs
// to the second.
func parsePart(section []byte) (p part, ok bool) {
	head, content, ok := bytes.Cut(section, []byte("\r\n\r\n"))
	if !ok {
		return part{}, false
	}
	if p.content, ok = bytes.CutSuffix(content, crlf); !ok {
		return part{}, false
	}
	if len(head) == 0 {
		return p, true // no fields
	}
	lines, ok := bytes.CutPrefix(head, crlf)
	if !ok || bytes.Count(lines, crlf) >= maxPartFields {
		return part{}, false
	}
	for line := range bytes.SplitSeq(lines, crlf) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !isName(name) || bytes.ContainsFunc(value, isControl) {
			return part{}, false
		}
		p.fields = append(p.fields, partField{string(bytes.ToLower(name)), bytes.Trim(value, ows)})
	}
	slices.SortStableFunc(p.fields, func(a, b partField) int { return strings.Compare(a.name, b.name) })
	return p, true
}

// isControl lets a tab pass, which a field's value may have inside.
func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

func (d *digest) addMultipart(m multipart) {
	d.addText(m.mediaType)
	d.addLength(len(m.params))
	for _, name := range slices.Sorted(maps.Keys(m.params)) {
		d.addText(name)
		d.addText(m.params[name])
	}
	d.addBytes(m.preamble)
	d.addLength(len(m.parts))
	for _, p := range m.parts {
		d.addLength(len(p.fields))
		for _, f := range p.fields {
			d.addText(f.name)
			d.addBytes(f.value)
		}
		d.addBytes(p.content)
	}
	d.addBytes(m.epilogue)
}
