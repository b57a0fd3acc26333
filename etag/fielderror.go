package etag

// FieldError says that a field cannot be read, and why. It never holds what
// the client sent, so it can be logged and shown.
type FieldError struct {
	Field  string // canonical name: "If-Match"
	Reason string // what is wrong, in words for whoever sent it
}

// Error implements error.
func (e *FieldError) Error() string {
	return "etag: " + e.Field + " is malformed: " + e.Reason
}

// reason is why a field is malformed. Zero: it is not.
type reason uint8

const (
	wellFormed reason = iota
	tooLong
	tooMany
	empty
	starBeside
	notAList
)

func (r reason) String() string {
	return [...]string{
		wellFormed: "",
		tooLong:    "longer than 16384 bytes",
		tooMany:    "more than 256 entity tags",
		empty:      "no entity tag in it",
		starBeside: "* beside something else",
		notAList:   "not a list of entity tags",
	}[r]
}
