package clients

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// compressed is compression as a proxy in front of a server does it: with another
// entity tag, since it is another representation. transform is what it makes of a
// tag.
func compressed(next http.Handler, transform func(tag string) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			next.ServeHTTP(w, r)
			return
		}
		c := &compressor{ResponseWriter: w, transform: transform}
		next.ServeHTTP(c, r)
		c.close()
	})
}

type compressor struct {
	http.ResponseWriter
	transform func(string) string
	begun     bool
	body      *gzip.Writer // nil: the answer has none that is to be compressed
}

func (c *compressor) WriteHeader(status int) {
	if status >= http.StatusOK {
		c.begun = true
	}
	h := c.Header()
	h.Add("Vary", "Accept-Encoding")
	if tag := h.Get("ETag"); tag != "" && (status == http.StatusOK || status == http.StatusNotModified) {
		h.Set("ETag", c.transform(tag))
	}
	if status == http.StatusOK {
		h.Del("Content-Length")
		h.Set("Content-Encoding", "gzip")
		c.body = gzip.NewWriter(c.ResponseWriter)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *compressor) Write(b []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	if c.body == nil {
		return c.ResponseWriter.Write(b)
	}
	return c.body.Write(b)
}

func (c *compressor) close() {
	if c.body != nil {
		_ = c.body.Close() // the client is gone; there is nobody left to tell
	}
}
