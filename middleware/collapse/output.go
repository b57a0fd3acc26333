package collapse

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
)

// output is where the leader's Recorder sends the answer. What is sent while it
// is written goes to those who read along, too. It is the run itself, to save
// what it would take to point to it.
type output run

func (o *output) run() *run { return (*run)(o) }

var (
	_ http.Hijacker   = (*output)(nil)
	_ http.Pusher     = (*output)(nil)
	_ io.ReaderFrom   = (*output)(nil)
	_ io.StringWriter = (*output)(nil)
)

func (o *output) Header() http.Header { return o.w.Header() }

// WriteHeader is where an answer begins to be sent while it is written, unless
// it is informational.
func (o *output) WriteHeader(status int) {
	o.settle(false)
	if !o.finishing && (status >= 200 || status == http.StatusSwitchingProtocols) {
		if o.recorder.DeclaredLength() < 0 && o.run().close() > 0 {
			o.pending.Store(&pending{status: status})
			return
		}
		o.begin(status)
	}
	o.w.WriteHeader(status)
}

// begin lets those who wait read along, if they may.
func (o *output) begin(status int) {
	r := o.run()
	r.close() // who waits now is all who will
	if r.crowd == nil {
		o.beginNow(status)
		return
	}
	r.crowd.sending.Lock()
	defer r.crowd.sending.Unlock()
	o.beginNow(status)
}

// beginNow is begin with the crowd's lock held, if there is one.
func (o *output) beginNow(status int) {
	if s := o.run().beginStream(status, o.w.Header()); s != nil {
		o.streamed.Store(true)
		o.stream.Store(s)
	}
}

// pieceSize is how much of one write, in bytes, is handed on at a time: so that
// a large one does not run away from those who read along.
const pieceSize = 64 << 10

// Write hands p to those who read along, and to the leader's client. That this
// one is gone does not end the answer for the others.
func (o *output) Write(p []byte) (int, error) {
	if o.holds(p) {
		return len(p), nil
	}
	if o.stream.Load() == nil {
		return o.w.Write(p)
	}
	return o.writeToAll(p)
}

func (o *output) writeToAll(p []byte) (int, error) {
	var failed error
	if s := o.stream.Load(); s != nil {
		defer s.blocked.Store(0)
	}
	for rest := p; len(rest) > 0; {
		piece := rest[:min(len(rest), pieceSize)]
		rest = rest[len(piece):]
		followed := o.feed(piece)
		if followed {
			runtime.Gosched() // nobody waits for them, but they get their turn
		}
		if failed == nil {
			o.block()
			_, failed = o.w.Write(piece)
		}
		if failed != nil && (!followed || isOwnFault(failed)) {
			return len(p) - len(rest) - len(piece), failed
		}
	}
	return len(p), nil
}

// block says that from now on the leader's client may hold up the others.
func (o *output) block() {
	if s := o.stream.Load(); s != nil {
		s.blocked.Store(max(1, int64(o.handler.layer.now())))
	}
}

// feed hands p to those who read along, and reports whether there are any.
func (o *output) feed(p []byte) bool {
	s := o.stream.Load()
	if s == nil {
		return false
	}
	if s.write(p) {
		return true
	}
	o.stream.Store(nil)
	return false
}

// isOwnFault reports whether a write failed because of what the handler did.
func isOwnFault(err error) bool {
	return errors.Is(err, http.ErrBodyNotAllowed) || errors.Is(err, http.ErrContentLength)
}

// WriteString is Write for a string.
func (o *output) WriteString(s string) (int, error) {
	o.settle(false) // what was held back is written as bytes
	if o.stream.Load() == nil {
		return io.WriteString(o.w, s)
	}
	return o.writeToAll([]byte(s))
}

// ReadFrom is the server's own, with sendfile if it can, unless somebody reads
// along.
func (o *output) ReadFrom(src io.Reader) (int64, error) {
	o.settle(false)
	if o.stream.Load() == nil {
		return io.Copy(o.w, src)
	}
	return io.Copy(struct{ io.Writer }{o}, src)
}

// Hijack hands the connection to the handler, with which the others have nothing
// to do. For those who read along the answer breaks off there: what the handler
// still sends, or that it sends no end, they cannot know.
func (o *output) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	o.settle(false)
	conn, rw, err := http.NewResponseController(o.w).Hijack()
	if err == nil {
		o.run().refuse()
		o.run().endStream(false)
	}
	return conn, rw, err
}

// Push is HTTP/2 server push, where the server has it.
func (o *output) Push(target string, opts *http.PushOptions) error {
	if p, ok := o.w.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap gives [http.ResponseController] what the output does not know. Once
// somebody reads along, a flush that fails because the leader's client is gone
// must not make the handler end the answer.
func (o *output) Unwrap() http.ResponseWriter {
	if o.stream.Load() != nil || o.pending.Load() != nil {
		return followed{o.w, o}
	}
	return o.w
}

// followed is a writer whose client is not the only one.
type followed struct {
	http.ResponseWriter
	out *output
}

// FlushError implements what [http.ResponseController] looks for.
func (f followed) FlushError() error {
	f.out.settle(true)
	s := f.out.stream.Load()
	if s == nil {
		return http.NewResponseController(f.ResponseWriter).Flush()
	}
	f.out.block()
	defer s.blocked.Store(0)
	err := http.NewResponseController(f.ResponseWriter).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (f followed) Unwrap() http.ResponseWriter { return f.ResponseWriter }
