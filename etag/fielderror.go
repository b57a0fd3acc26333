package etag

// FieldError says that a field cannot be read, and why. It never holds what
// the client sent, so it can be logged and shown.
type FieldError struct {
	Field  string // canonical name: "If-Match"
	Reason string // what is wrong, in words for whoever sent it
}

func (e *FieldError) Error() string {
	return "etag: " + e.Field + " is malformed: " + e.Reason
}

// Why a field is malformed.
const (
	reasonTooLong  = "longer than 16384 bytes"
	reasonTooMany  = "more than 256 entity tags"
	reasonEmpty    = "no entity tag in it"
	reasonStar     = "* beside something else"
	reasonNotAList = "not a list of entity tags"
)
