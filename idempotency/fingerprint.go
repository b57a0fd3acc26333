package idempotency

import (
	"crypto/sha256"
	"net/http"
)

// fingerprint tells one request from another, as long as nobody can find two
// inputs of SHA-256 with one digest.
type fingerprint [sha256.Size]byte

// fingerprintLabel tells this construction from any that may follow: records
// outlive the program that wrote them.
const fingerprintLabel = "concord fingerprint 1"

// What stands for the content of a request. The kind is digested before the
// content, so that content of one kind never has the fingerprint of another.
const (
	contentBytes  byte = 1 // content type and body as they were sent
	contentParts  byte = 2 // the parts of a multipart body
	contentCustom byte = 3 // what the server's own function made of it
	contentForm   byte = 4 // a form that was parsed before the layer could read it
)

// formFingerprint is fingerprintOf for a form that was parsed already, the files
// of which have limit bytes at most.
func formFingerprint(r *http.Request, limit int64) (fingerprint, error) {
	d := takeDigest()
	d.addText(fingerprintLabel)
	d.addTarget(r)
	d.addByte(contentForm)
	err := d.addForm(r, limit)
	return d.sum(), err
}

// fingerprintOf tells one request from another by method, host, path, query and
// content. Fields that a client may rightly change from one attempt to the next
// are not in it, such as If-Match and Authorization.
//
// What custom returns, unless it is nil, stands for the content. Method, host,
// path and query are in it even so, or a function that forgets the path would
// let one route answer for another.
func fingerprintOf(r *http.Request, body []byte, custom func(*http.Request, []byte) []byte) fingerprint {
	var made []byte
	if custom != nil {
		made = custom(r, body) // before anything is taken that a panic would lose
	}
	d := takeDigest()
	d.addText(fingerprintLabel)
	d.addTarget(r)
	if custom != nil {
		d.addByte(contentCustom)
		d.addBytes(made)
	} else {
		d.addContent(r.Header["Content-Type"], body)
	}
	return d.sum()
}

// addTarget adds what the request is for. The host is the same in upper and
// lower case (RFC 9110, section 4.2.3); a method and a path are not.
func (d *digest) addTarget(r *http.Request) {
	d.addText(r.Method)
	d.addLower(r.Host)
	d.addText(r.URL.Opaque) // instead of a path, of a target such as "mail:box"
	d.addText(r.URL.EscapedPath())
	d.addText(r.URL.RawQuery)
}

func (d *digest) addContent(types []string, body []byte) {
	if len(types) == 1 {
		if m, ok := parseMultipart(types[0], body); ok {
			d.addByte(contentParts)
			d.addMultipart(m)
			return
		}
	}
	d.addByte(contentBytes)
	d.addLength(len(types))
	for _, t := range types {
		d.addText(t)
	}
	d.addBytes(body)
}
