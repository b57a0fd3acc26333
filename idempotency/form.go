package idempotency

import (
	"errors"
	"io"
	"maps"
	mime "mime/multipart"
	"net/http"
	"slices"
)

// errReadOutside is for a body of which nothing is left by the time the layer
// is to read it. Requests that differ would have one fingerprint.
var errReadOutside = errors.New("idempotency: something outside of the layer has read the body of the request, and did not put it back")

// wasParsed reports whether the form in the body of r was read before the layer
// could: by a middleware that looks for a token in it, or a Principal. The
// handler will find it in the request, and so must the fingerprint.
func wasParsed(r *http.Request, body []byte) bool {
	return len(body) == 0 && (len(r.PostForm) > 0 || r.MultipartForm != nil)
}

// addForm adds a form that was parsed, of which files have limit bytes at most.
func (d *digest) addForm(r *http.Request, limit int64) error {
	d.addLength(len(r.PostForm))
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		values := r.PostForm[name]
		d.addText(name)
		d.addLength(len(values))
		for _, value := range values {
			d.addText(value)
		}
	}
	if r.MultipartForm == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.MultipartForm.File)) {
		files := r.MultipartForm.File[name]
		d.addText(name)
		d.addLength(len(files))
		for _, file := range files {
			if limit -= file.Size; limit < 0 {
				return &http.MaxBytesError{Limit: limit}
			}
			if err := d.addFile(file); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *digest) addFile(file *mime.FileHeader) error {
	f, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	d.addText(file.Filename)
	d.addText(file.Header.Get("Content-Type"))
	d.addLength(int(file.Size))
	d.flush()
	_, err = io.Copy(d.hash, f)
	return err
}
