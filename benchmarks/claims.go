package main

import (
	"fmt"
	"strings"
)

// claim is something that a client or a server can rely on, or not. TestClaims
// runs each for each contender: nothing is said here that was not seen.
type claim struct {
	holds string
	by    []verdict // in the order of the part's contenders
}

type verdict string

const (
	yes   verdict = "yes"
	no    verdict = "no"
	noJob verdict = "–" // it is not what the contender is for
)

// part is what several contenders do, and in which they can be compared.
type part struct {
	about  string
	who    []string
	claims []claim
}

func parts() []part {
	return []part{
		{"entity tags and preconditions", []string{"Concord", peerETag, peerCond}, []claim{
			{"two bodies of one length and one CRC-32 have different tags", []verdict{yes, no, noJob}},
			{"the answer to a POST does not carry a tag of its own body", []verdict{yes, no, noJob}},
			{"If-None-Match: * is 304 where there is a document", []verdict{yes, no, yes}},
			{"If-None-Match is read to its end after a weak tag", []verdict{yes, no, yes}},
			{"a blank after a comma of If-None-Match is no part of a tag", []verdict{yes, yes, no}},
			{"all field lines of If-None-Match count", []verdict{yes, no, no}},
			{"a GET whose If-Match is false is 412", []verdict{yes, no, no}},
			{"a PUT whose If-Match is stale is 412", []verdict{yes, no, yes}},
			{"its handler does not run, and need not ask", []verdict{yes, no, no}},
			{"a weak tag does not satisfy If-Match", []verdict{yes, no, no}},
			{"If-Match without quotes is refused", []verdict{yes, no, no}},
			{"If-Match: * passes where there is a document", []verdict{yes, noJob, no}},
			{"of two PUTs at once with one If-Match, one is 412", []verdict{yes, noJob, no}},
		}},
		{"Idempotency-Key", []string{"Concord", peerKeys}, []claim{
			{"of ten at once with one key, one runs", []verdict{yes, yes}},
			{"a replay says that it is one", []verdict{yes, no}},
			{"the key with another body is refused", []verdict{yes, no}},
			{"the key on another path is refused", []verdict{yes, no}},
			{"the key of another caller is another key", []verdict{yes, no}},
			{"Set-Cookie is not replayed", []verdict{yes, no}},
			{"an answer of 429 leaves the key free", []verdict{yes, no}},
			{"a handler that panicked is not run again", []verdict{yes, no}},
			{"a key that is no UUID is not a 500", []verdict{yes, no}},
		}},
		{"identical reads at once", []string{"Concord", peerOnce}, []claim{
			{"a hundred are one run", []verdict{yes, yes}},
			{"callers with other credentials do not share", []verdict{yes, no}},
			{"an answer with Set-Cookie is not shared", []verdict{yes, no}},
			{"who leaves does not wait", []verdict{yes, no}},
			{"the others get their answer if the first one leaves", []verdict{yes, no}},
			{"the others get their answer if the first run panics", []verdict{yes, no}},
			{"a read after a write does not join a run from before", []verdict{yes, no}},
		}},
	}
}

// claimsTable is all claims, in Markdown, a table for each part.
func claimsTable() string {
	var b strings.Builder
	for _, p := range parts() {
		line(&b, append([]string{p.about}, p.who...))
		fmt.Fprintf(&b, "|---%s|\n", strings.Repeat("|---", len(p.who)))
		for _, c := range p.claims {
			cells := []string{c.holds}
			for _, v := range c.by {
				cells = append(cells, string(v))
			}
			line(&b, cells)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
