package concord_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// odd is a handler that does what middleware likes to break.
type odd struct {
	serve  http.HandlerFunc
	around func(http.Handler) http.Handler // outside of the Stack; nil: nothing
	fields []string                        // of the request, in pairs
	body   string                          // of the request, if it is a POST or a PUT
	once   bool                            // what came of it is not, or not whole, what a retry gets
	reads  bool                            // it is about reads alone
	keyed  bool                            // with a key it is refused, and so no matter of this table
	old    bool                            // HTTP/2's server sends half of it
	stays  bool                            // the connection does, since a layer has read what the handler did not
}

// held is how much of a request, and of an answer, each layer holds, in bytes.
const held = 128 << 10

// notes are what handlers saw, by the X-Note of their request.
var notes sync.Map

// note keeps what the handler of r saw.
func note(r *http.Request, saw ...any) {
	id := r.Header.Get("X-Note")
	before, _ := notes.Load(id)
	text, _ := before.(string)
	notes.Store(id, text+fmt.Sprintln(saw...))
}

// echo answers with what it could read.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	tooLarge := (*http.MaxBytesError)(nil)
	note(r, len(body), errors.As(err, &tooLarge))
	if tooLarge != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
	fmt.Fprintf(w, "read %d of %q", len(body), r.Header.Get("Content-Type"))
}

// hangs does not come to an end before its request does.
func hangs(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(200 * time.Millisecond): // a keyed request outlives its client
	}
}

func timesOut(next http.Handler) http.Handler {
	return http.TimeoutHandler(next, 20*time.Millisecond, "late")
}

func inTime(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "late") }

func atMost16(next http.Handler) http.Handler { return http.MaxBytesHandler(next, 16) }

var yesterday = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func content(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "page.txt", yesterday, strings.NewReader("0123456789"))
}

func taggedContent(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"own"`)
	content(w, r)
}

func flush(w http.ResponseWriter, r *http.Request) {
	note(r, "flush", http.NewResponseController(w).Flush())
}

func write(w http.ResponseWriter, r *http.Request, text string) {
	n, err := io.WriteString(w, text)
	note(r, "write", n, err)
}

var oddities = map[string]odd{
	"writes nothing":      {serve: func(http.ResponseWriter, *http.Request) {}},
	"status and no body":  {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }},
	"sniffed type":        {serve: func(w http.ResponseWriter, r *http.Request) { write(w, r, "<html>") }},
	"sniffed in parts":    {serve: func(w http.ResponseWriter, r *http.Request) { write(w, r, "<ht"); write(w, r, "ml>") }},
	"type taken away":     {serve: func(w http.ResponseWriter, r *http.Request) { w.Header()["Content-Type"] = nil; write(w, r, "<html>") }},
	"date taken away":     {serve: func(w http.ResponseWriter, r *http.Request) { w.Header()["Date"] = nil; write(w, r, "x") }, once: true},
	"error":               {serve: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) }},
	"redirect":            {serve: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusSeeOther) }},
	"several field lines": {serve: severalLines, once: true},
	"echo":                {serve: echo, body: "hello", fields: []string{"Content-Type", "text/odd"}},
	"large request":       {serve: echo, body: strings.Repeat("x", held/2)},
	"unread request":      {serve: func(w http.ResponseWriter, r *http.Request) { write(w, r, "whatever") }, body: strings.Repeat("x", 100<<10)},
	"large answer": {serve: func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			write(w, r, strings.Repeat("x", held/8))
		}
	}, once: true},
	"large declared answer": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(2*held+1))
		write(w, r, strings.Repeat("x", 2*held+1))
	}, once: true},
	"file": {serve: func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "stack.go") }},
	"copied file": {serve: func(w http.ResponseWriter, r *http.Request) {
		if f, err := os.Open("stack.go"); err == nil {
			n, err := io.Copy(w, f)
			note(r, n, err, f.Close())
		}
	}},
	"created, flushed": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		write(w, r, "first ")
		flush(w, r)
		write(w, r, "second")
	}},
	"events": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			write(w, r, fmt.Sprintf("data: %d\n\n", i))
			flush(w, r)
		}
	}, fields: []string{"Accept", "text/event-stream"}},
	"flushed and nothing else": {serve: flush},
	"declared trailers": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		write(w, r, "body")
		w.Header().Set("X-Sum", "1")
	}, once: true},
	"undeclared trailers": {serve: func(w http.ResponseWriter, r *http.Request) {
		write(w, r, "body")
		flush(w, r)
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	}, once: true},
	"early hints": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Link", "</a.css>, </b.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		write(w, r, "body")
	}},
	"processing": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusCreated)
	}},
	"two statuses":          {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202); w.WriteHeader(418) }},
	"status after the body": {serve: func(w http.ResponseWriter, r *http.Request) { write(w, r, "x"); w.WriteHeader(418) }},
	"a status that is none": {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(42) }, once: true},
	"fields too late":       {serve: func(w http.ResponseWriter, r *http.Request) { write(w, r, "x"); w.Header().Set("X-Late", "1") }},
	"fields after a status": {serve: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); w.Header().Set("X-Late", "1") }},
	"aborts":                {serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, once: true},
	"panics":                {serve: func(w http.ResponseWriter, r *http.Request) { write(w, r, "half"); panic("broken") }, once: true},
	"aborts in the middle": {serve: func(w http.ResponseWriter, r *http.Request) {
		write(w, r, "half")
		flush(w, r)
		panic(http.ErrAbortHandler)
	}, once: true},
	"declares too much": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		write(w, r, "half")
	}, once: true},
	"declares too little": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		write(w, r, "half")
	}, once: true, old: true},
	"no content":             {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
	"no content with a body": {serve: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent); write(w, r, "body") }},
	"304 with a body": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotModified)
		write(w, r, "body")
	}},
	"says close": {serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		write(w, r, "bye")
	}, once: true},
	"content":            {serve: content},
	"a range":            {serve: content, fields: []string{"Range", "bytes=2-4"}},
	"an open range":      {serve: content, fields: []string{"Range", "bytes=-3"}},
	"ranges":             {serve: content, fields: []string{"Range", "bytes=0-1,4-5"}},
	"no such range":      {serve: content, fields: []string{"Range", "bytes=20-30"}},
	"a range of this":    {serve: taggedContent, fields: []string{"Range", "bytes=2-4", "If-Range", `"own"`}},
	"a range of another": {serve: taggedContent, fields: []string{"Range", "bytes=2-4", "If-Range", `"other"`}},
	"not modified":       {serve: taggedContent, fields: []string{"If-None-Match", `"own"`}, reads: true},
	"modified":           {serve: taggedContent, fields: []string{"If-None-Match", `"other"`}, reads: true},
	"not modified since": {serve: content, fields: []string{"If-Modified-Since", yesterday.Format(http.TimeFormat)}},
	"modified since":     {serve: content, fields: []string{"If-Modified-Since", yesterday.Add(-time.Hour).Format(http.TimeFormat)}},
	"deadlines": {serve: func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		note(r, rc.SetWriteDeadline(time.Now().Add(time.Hour)), rc.SetReadDeadline(time.Now().Add(time.Hour)))
		write(w, r, "in time")
		note(r, rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{}))
	}},
	"write deadline that is over": {serve: func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Hour))
		_, _ = io.WriteString(w, strings.Repeat("x", 64<<10)) // whether this fails is a matter of buffers
	}, once: true},
	"full duplex": {serve: func(w http.ResponseWriter, r *http.Request) {
		note(r, http.NewResponseController(w).EnableFullDuplex() == nil)
		write(w, r, "x")
	}},
	"hijack": {serve: func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		note(r, err == nil)
		if err != nil {
			write(w, r, "no hijack")
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
		_ = rw.Flush()
		_ = conn.Close()
	}, once: true},
	"time out inside":        {serve: timesOut(http.HandlerFunc(hangs)).ServeHTTP, once: true},
	"in time inside":         {serve: inTime(http.HandlerFunc(severalLines)).ServeHTTP, once: true},
	"time out outside":       {serve: hangs, around: timesOut, once: true},
	"in time outside":        {serve: echo, around: inTime},
	"short body, max inside": {serve: atMost16(http.HandlerFunc(echo)).ServeHTTP, body: "short"},
	"short body, max around": {serve: echo, around: atMost16, body: "short"},
	"long body, max inside":  {serve: atMost16(http.HandlerFunc(echo)).ServeHTTP, body: strings.Repeat("x", 17), stays: true},
	"long body, max around":  {serve: echo, around: atMost16, body: strings.Repeat("x", 17), keyed: true},
}

func severalLines(w http.ResponseWriter, r *http.Request) {
	w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
	w.Header()["Vary"] = []string{"Accept", "User-Agent"}
	w.Header().Set("Cache-Control", "private, max-age=60")
	w.WriteHeader(http.StatusAccepted)
	write(w, r, "body")
}
