package linearize

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// kind is a step of the model: a method of store.Store, or begin, which puts
// the key in the state that the chunk before left it in.
type kind string

const (
	begin   kind = "begin"
	get     kind = "Get"
	create  kind = "Create"
	replace kind = "Replace"
	remove  kind = "Delete"
)

// register is the state of one key: the record that stands, and the greatest
// version that the key ever had.
type register struct {
	version uint64 // 0: no record
	nonce   uint64 // in the head of the record
	last    uint64
}

// call is what a client asked of a key, and reply what it was told.
type (
	call struct {
		kind    kind
		key     int
		version uint64   // that Replace and Delete name
		nonce   uint64   // that Create and Replace write
		state   register // that begin puts the key in
	}
	reply struct {
		ok      bool
		version uint64 // of the record that was shown; 0: none
		nonce   uint64
	}
)

// next returns the state after a step, and whether the reply is the one that
// the contract wants of that step in this state. It is the contract of
// store.Store for one key, but for time and room.
func (r register) next(c call, got reply) (register, bool) {
	stands := r.version != 0
	switch c.kind {
	case begin:
		return c.state, true
	case get:
		return r, got.ok == stands && r.shownIn(got)
	case create:
		if got.ok {
			return r.written(c, got, !stands)
		}
		return r, stands && r.shownIn(got)
	case replace:
		matches := stands && c.version == r.version
		if got.ok {
			return r.written(c, got, matches)
		}
		return r, !matches && r.shownIn(got)
	case remove:
		matches := stands && c.version == r.version
		if got.ok {
			return register{last: r.last}, matches
		}
		return r, !matches
	}
	return r, false
}

// shownIn reports whether a reply shows the record that stands, or none where
// none does.
func (r register) shownIn(got reply) bool {
	return got.version == r.version && (r.version == 0 || got.nonce == r.nonce)
}

// written is the state after a successful write: the caller's own record, with
// a version greater than all before.
func (r register) written(c call, got reply, allowed bool) (register, bool) {
	next := register{version: got.version, nonce: c.nonce, last: got.version}
	return next, allowed && got.version > r.last && got.nonce == c.nonce
}

// model is the register for porcupine. Keys are independent of each other, so
// each has a history of its own.
func model(keys int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return register{} },
		Step: func(state, input, output any) (bool, any) {
			next, ok := as[register](state).next(*as[*call](input), *as[*reply](output))
			return ok, next
		},
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			perKey := make([][]porcupine.Operation, keys)
			for _, op := range history {
				key := as[*call](op.Input).key
				perKey[key] = append(perKey[key], op)
			}
			return perKey
		},
		DescribeOperation: func(input, output any) string {
			return describe(*as[*call](input), *as[*reply](output))
		},
	}
}

// as unpacks what porcupine carries as any, and only this package packs.
func as[T any](packed any) T {
	unpacked, ok := packed.(T)
	if !ok {
		panic(fmt.Sprintf("linearize: %T in place of %T", packed, unpacked))
	}
	return unpacked
}

// describe puts a step and its reply into words.
func describe(c call, got reply) string {
	asked := fmt.Sprintf("%s of key %d", c.kind, c.key)
	switch c.kind {
	case begin:
		return fmt.Sprintf("%s with version %d, nonce %d, after %d", asked, c.state.version, c.state.nonce, c.state.last)
	case create:
		asked += fmt.Sprintf(" with nonce %d", c.nonce)
	case replace:
		asked += fmt.Sprintf(" at version %d with nonce %d", c.version, c.nonce)
	case remove:
		return fmt.Sprintf("%s at version %d: %v", asked, c.version, got.ok)
	case get:
	}
	if got.version == 0 {
		return fmt.Sprintf("%s: %v, no record", asked, got.ok)
	}
	return fmt.Sprintf("%s: %v, version %d with nonce %d", asked, got.ok, got.version, got.nonce)
}
