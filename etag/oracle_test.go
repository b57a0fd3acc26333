package etag

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file judges preconditions a second time, slowly and from the text of
// RFC 9110 alone. It shares no code with the package: it works on header
// strings, and has parsers of its own. Where the RFC leaves a choice, the
// comment says which one Concord took.

// oracle is what the RFC's text makes of one request's header.
type oracle struct {
	ifMatch, ifNoneMatch       oracleList
	ifModified, ifUnmodified   oracleDate
	rangePresent, ifRangeGiven bool
	ifRangeTag                 string
	ifRangeDate                oracleDate
}

type oracleList struct {
	present, star, malformed bool
	tags                     []string
}

type oracleDate struct {
	valid bool
	unix  int64
}

func readAsTheRFCSays(h http.Header) oracle {
	o := oracle{
		ifMatch:      oracleReadList(h["If-Match"]),
		ifNoneMatch:  oracleReadList(h["If-None-Match"]),
		ifModified:   oracleReadSingleDate(h["If-Modified-Since"]),
		ifUnmodified: oracleReadSingleDate(h["If-Unmodified-Since"]),
		rangePresent: len(h["Range"]) > 0,
		ifRangeGiven: len(h["If-Range"]) > 0,
	}
	if lines := h["If-Range"]; len(lines) == 1 && len(lines[0]) <= 16384 {
		// 13.1.5: If-Range = entity-tag / HTTP-date
		value := strings.Trim(lines[0], " \t")
		if oracleTag.MatchString(value) {
			o.ifRangeTag = value
		} else {
			o.ifRangeDate = oracleReadDate(value)
		}
	}
	return o
}

// 8.8.3: entity-tag = [ weak ] opaque-tag; opaque-tag = DQUOTE *etagc DQUOTE;
// etagc = %x21 / %x23-7E / obs-text. A negated class, because regexp reads
// bytes over 0x7F as runes.
var oracleTag = regexp.MustCompile(`\A(W/)?"[^\x00-\x20"\x7f]*"\z`)

// 13.1.1, 13.1.2: "*" / #entity-tag. 5.3: several field lines mean the same as
// one, joined by comma and blank. 5.6.1.2: empty elements are ignored. Concord:
// at most 16 KiB and 256 tags, and a list without elements is malformed.
func oracleReadList(lines []string) oracleList {
	if len(lines) == 0 {
		return oracleList{}
	}
	o := oracleList{present: true}
	if len(strings.Join(lines, ","))+1 > 16384 {
		o.malformed = true
		return o
	}
	value := strings.Join(lines, ", ")
	if strings.Trim(value, " \t") == "*" {
		o.star = true
		return o
	}
	element, quoted := "", false
	for _, c := range []byte(value + ",") {
		if c == '"' {
			quoted = !quoted
		}
		if c != ',' || quoted {
			element += string([]byte{c})
			continue
		}
		if element = strings.Trim(element, " \t"); element != "" {
			o.tags = append(o.tags, element)
		}
		element = ""
	}
	bad := func(tag string) bool { return !oracleTag.MatchString(tag) }
	if element != "" || len(o.tags) == 0 || len(o.tags) > 256 || slices.ContainsFunc(o.tags, bad) {
		o.malformed, o.tags = true, nil
	}
	return o
}

// 13.1.3: "A recipient MUST ignore the If-Modified-Since header field if the
// received field value is not a valid HTTP-date, the field value has more than
// one member, ..."; 13.1.4 says the same of If-Unmodified-Since. Concord: nor is
// a value over 16 KiB.
func oracleReadSingleDate(lines []string) oracleDate {
	if len(lines) != 1 || len(lines[0]) > 16384 {
		return oracleDate{}
	}
	return oracleReadDate(strings.Trim(lines[0], " \t"))
}

// 5.6.7: IMF-fixdate / rfc850-date / asctime-date, case-sensitive. Concord: any
// name of a day, in any case; two-digit years from 1969 to 2068; no leap second.
var (
	oracleIMF    = regexp.MustCompile(`\A(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z][a-z]) (\d\d\d\d) (\d\d):(\d\d):(\d\d) GMT\z`)
	oracleRFC850 = regexp.MustCompile(`\A(?i:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)(?i:day), (\d\d)-([A-Z][a-z][a-z])-(\d\d) (\d\d):(\d\d):(\d\d) GMT\z`)
	oracleASC    = regexp.MustCompile(`\A(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z][a-z]) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d\d\d\d)\z`)
)

func oracleReadDate(value string) oracleDate {
	var day, month, year, clock string
	switch {
	case oracleIMF.MatchString(value):
		m := oracleIMF.FindStringSubmatch(value)
		day, month, year, clock = m[1], m[2], m[3], m[4]+m[5]+m[6]
	case oracleRFC850.MatchString(value):
		m := oracleRFC850.FindStringSubmatch(value)
		day, month, year, clock = m[1], m[2], m[3], m[4]+m[5]+m[6]
		if year >= "69" {
			year = "19" + year
		} else {
			year = "20" + year
		}
	case oracleASC.MatchString(value):
		m := oracleASC.FindStringSubmatch(value)
		month, day, clock, year = m[1], m[2], m[3]+m[4]+m[5], m[6]
	default:
		return oracleDate{}
	}
	number := func(digits string) int {
		n, _ := strconv.Atoi(strings.TrimSpace(digits))
		return n
	}
	months := "JanFebMarAprMayJunJulAugSepOctNovDec"
	at := strings.Index(months, month)
	if at < 0 || at%3 != 0 || clock[:2] > "23" || clock[2:4] > "59" || clock[4:] > "59" {
		return oracleDate{}
	}
	t := time.Date(number(year), time.Month(at/3+1), number(day), number(clock[:2]), number(clock[2:4]), number(clock[4:]), 0, time.UTC)
	if t.Day() != number(day) {
		return oracleDate{} // there is no such day in this month
	}
	return oracleDate{valid: true, unix: t.Unix()}
}

// oracleState is the server's side as strings: what the ETag and Last-Modified
// fields of a GET would carry.
type oracleState struct {
	exists       bool
	tag          string
	lastModified oracleDate
}

func oracleStateOf(s State) oracleState {
	o := oracleState{exists: s.Exists}
	if s.Exists {
		o.tag = s.Tag.String()
	}
	if s.Exists && !s.LastModified.IsZero() {
		o.lastModified = oracleReadDate(s.LastModified.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	}
	return o
}

// judge follows 13.2.2 step by step. The answer is the name of a verdict and
// the field that decided.
func (o oracle) judge(method string, s oracleState) (verdict, field string) {
	// 13.2.1: "A server MUST ignore the conditional request header fields
	// defined by this specification when received with a request method that
	// does not involve the selection or modification of a selected
	// representation, such as CONNECT, OPTIONS, or TRACE."
	if method == "CONNECT" || method == "OPTIONS" || method == "TRACE" {
		return "proceed", ""
	}
	getOrHead := method == "GET" || method == "HEAD"
	currentTag, lastModified := s.tag, s.lastModified

	// "1. When recipient is the origin server and If-Match is present,
	// evaluate the If-Match precondition: if true, continue to step 3; if
	// false, respond 412."
	if o.ifMatch.present {
		if !o.ifMatchIsTrue(s.exists, currentTag) {
			return "failed", "If-Match"
		}
	} else if o.ifUnmodified.valid && lastModified.valid {
		// "2. ... If-Match is not present, and If-Unmodified-Since is present,
		// evaluate ...: if true, continue to step 3; if false, respond 412."
		// 13.1.4: true if the date is earlier than or equal; ignored if there
		// is no modification date available.
		earlierOrEqual := lastModified.unix <= o.ifUnmodified.unix
		if !earlierOrEqual {
			return "failed", "If-Unmodified-Since"
		}
	}

	// "3. When If-None-Match is present, evaluate ...: if true, continue to
	// step 5; if false for GET/HEAD, respond 304; if false for other methods,
	// respond 412."
	if o.ifNoneMatch.present {
		// Concord: malformed, it is ignored on GET and HEAD, and false on
		// other methods; either way it is present, so step 4 is skipped.
		if o.ifNoneMatch.malformed {
			if !getOrHead {
				return "failed", "If-None-Match"
			}
		} else if !o.ifNoneMatchIsTrue(s.exists, currentTag) {
			if getOrHead {
				return "not modified", "If-None-Match"
			}
			return "failed", "If-None-Match"
		}
	} else if getOrHead && o.ifModified.valid && lastModified.valid {
		// "4. When the method is GET or HEAD, If-None-Match is not present,
		// and If-Modified-Since is present, evaluate ...: if true, continue to
		// step 5; if false, respond 304." 13.1.3: false if the last
		// modification date is earlier than or equal to the field's.
		if lastModified.unix <= o.ifModified.unix {
			return "not modified", "If-Modified-Since"
		}
	}

	// "5. When the method is GET and both Range and If-Range are present,
	// evaluate the If-Range precondition: if true and the Range is applicable
	// ..., respond 206; otherwise, ignore the Range header field and respond
	// 200."
	if method == "GET" && o.rangePresent && o.ifRangeGiven {
		sameDate := o.ifRangeDate.valid && lastModified.valid && o.ifRangeDate.unix == lastModified.unix
		sameTag := o.ifRangeTag != "" && oracleStrong(o.ifRangeTag, currentTag)
		if !sameDate && !sameTag {
			return "ignore range", "If-Range"
		}
	}
	return "proceed", ""
}

// 13.1.1: "*": true if the origin server has a current representation; a list:
// true if any of the listed tags match, by the strong comparison.
func (o oracle) ifMatchIsTrue(exists bool, current string) bool {
	if o.ifMatch.star {
		return exists
	}
	for _, tag := range o.ifMatch.tags {
		if oracleStrong(tag, current) {
			return true
		}
	}
	return false
}

// 13.1.2: "*": false if the origin server has a current representation; a
// list: false if one of the listed tags matches, by the weak comparison.
func (o oracle) ifNoneMatchIsTrue(exists bool, current string) bool {
	if o.ifNoneMatch.star {
		return !exists
	}
	for _, tag := range o.ifNoneMatch.tags {
		if current != "" && strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(current, "W/") {
			return false
		}
	}
	return true
}

// 8.8.3.2: "two entity tags are equivalent if both are not weak and their
// opaque-tags match character-by-character".
func oracleStrong(a, b string) bool {
	weak := strings.HasPrefix(a, "W/") || strings.HasPrefix(b, "W/")
	return !weak && a != "" && a == b
}
