package main

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// maxDocument is how long a document can be, in bytes, for its length to be found
// out.
const maxDocument = 1 << 20

// measure reads documents that upstream sends in chunks, and says how long they
// are. ReverseProxy flushes what is of unknown length as it comes, and what is
// flushed has no tag, without which no write of it could be judged. Streams pass:
// one that is sent under another media type than these is held back until there
// is a megabyte of it.
func measure(res *http.Response) error {
	if res.Request.Method != http.MethodGet || res.ContentLength >= 0 || len(res.Trailer) > 0 || isStream(res.Header.Get("Content-Type")) {
		return nil
	}
	begin, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err != nil {
		return err
	}
	whole := io.Reader(bytes.NewReader(begin))
	if len(begin) > maxDocument {
		whole = io.MultiReader(whole, res.Body)
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{whole, res.Body}
	if len(begin) > maxDocument {
		return nil
	}
	res.ContentLength = int64(len(begin))
	res.Header.Set("Content-Length", strconv.Itoa(len(begin)))
	return nil
}

// isStream reports whether content of a media type is read while it is written.
func isStream(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	switch media {
	case "text/event-stream", "application/x-ndjson", "application/jsonl", "application/json-seq":
		return true
	}
	return strings.HasPrefix(media, "multipart/")
}
