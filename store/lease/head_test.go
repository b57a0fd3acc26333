package lease

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/store"
)

func TestHeadComesBack(t *testing.T) {
	for name, h := range map[string]head{
		"held":                      {state: held, nonce: nonce{1, 15: 2}, lease: time.Second, note: []byte("note")},
		"settled":                   {state: settled, lease: MaxLease, note: []byte{0, 255}},
		"without a note":            {state: held, lease: 1, note: []byte{}},
		"with the longest possible": {state: held, lease: time.Second, note: make([]byte, MaxNote)},
	} {
		t.Run(name, func(t *testing.T) {
			b := h.encode()
			require.LessOrEqual(t, len(b), store.MaxHead)
			back, err := decodeHead(b)
			require.NoError(t, err)
			require.Equal(t, h, back)
			require.Equal(t, len(back.note), cap(back.note), "whoever appends to a note must not write into a record")
		})
	}
}

func TestNoncesDiffer(t *testing.T) {
	seen := map[nonce]bool{}
	for range 10 {
		n := newNonces()
		for range 100 {
			made := n.next()
			require.False(t, seen[made])
			seen[made] = true
		}
	}
}

func FuzzDecodeHead(f *testing.F) {
	f.Add(head{state: held, lease: time.Second, note: []byte("note")}.encode())
	f.Add(head{state: settled, lease: MaxLease}.encode())
	f.Add([]byte{})
	f.Add([]byte{2})
	f.Add([]byte(`{"state":"held"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		h, err := decodeHead(b)
		switch {
		case err != nil && !errors.Is(err, ErrCorrupt):
			t.Errorf("an error of no type: %v", err)
		case err == nil && (h.lease <= 0 || h.lease > MaxLease):
			t.Errorf("a lease of %v", h.lease)
		case err == nil && !bytes.Equal(h.encode(), b):
			t.Errorf("%x is read as %+v, which is %x", b, h, h.encode())
		}
		if !bytes.Equal(before, b) {
			t.Error("the head was written to")
		}
	})
}
