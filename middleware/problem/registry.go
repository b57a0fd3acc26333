package problem

import "net/http"

// entry is all that the project knows about one kind. New, the renderers, Docs
// and the published page all read it, so that they cannot disagree.
type entry struct {
	kind      Kind
	status    int
	title     string
	retryable bool
	happened  string // for the documentation: what went wrong, as plain text
	next      string // for the documentation: what the client should do
	members   []term // members beyond the standard ones
	fields    []term // header fields beyond those that every problem has
}

// term is a name on the wire and what it means.
type term struct{ name, meaning string }

var retryAfter = term{"Retry-After", "seconds to wait before the same request is sent again"}

// registry holds the kinds in the order in which the page shows them.
var registry = []entry{
	{
		kind: KindVersionMismatch, status: http.StatusPreconditionFailed,
		title:    "The resource has changed since you read it",
		happened: "The request said which version of the resource it was made for, and that is not the current one. Somebody else has changed, created or deleted it meanwhile; or the edit lock that the request was made under has ended, so that somebody else may have. Nothing was written. Some servers answer this with status 409.",
		next:     "Fetch the resource again, apply your change to what you got, and send it with the new ETag. If it was the lock, take a new one first. Sending the same request again cannot succeed, and dropping the precondition overwrites somebody else's work.",
		members: []term{
			{"failed_field", "the precondition that was false: If-Match, If-None-Match, If-Unmodified-Since, or Lock-Token for a lock that has ended"},
			{"current_etag", "the entity tag of the resource now; absent if there is no such resource"},
			{"current", "the resource as it is now, if the request had Prefer: return=representation and the server can read it"},
		},
		fields: []term{{"ETag", "the same as current_etag"}},
	},
	{
		kind: KindPreconditionRequired, status: http.StatusPreconditionRequired,
		title:    "This request needs a precondition",
		happened: "The resource accepts changes only from clients that say which version they have seen, so that no change is lost. The request did not say. Nothing was written.",
		next:     "Fetch the resource, and send the request again with its ETag in If-Match. To create what must not exist yet, send If-None-Match: *.",
		members:  []term{{"wanted_fields", "the header fields of which one is wanted"}},
	},
	{
		kind: KindPreconditionMalformed, status: http.StatusBadRequest,
		title:    "A precondition cannot be read",
		happened: "If-Match or If-None-Match is not a list of entity tags, or Lock-Token not one token of a lock, so the server cannot know what it was meant to protect; or the Timeout of a LOCK is not a time. Nothing was written.",
		next:     "Send the ETag exactly as you got it, with its double quotes; a lone * is allowed, an empty value is not. Send Lock-Token as LOCK answered it, and only once; UNLOCK needs one. A Timeout is Infinite, or Second- and a number.",
		members:  []term{{"failed_field", "the header field that cannot be read"}},
	},
	{
		kind: KindResourceBusy, status: http.StatusConflict, retryable: true,
		title:    "The resource is busy with another write",
		happened: "Writes of one resource run one at a time, and another one did not finish while this request waited. This request was not begun.",
		next:     "Wait as long as Retry-After says, and send the same request again.",
		fields:   []term{retryAfter},
	},
	{
		kind: KindLocked, status: http.StatusConflict, retryable: true,
		title:    "Somebody else is editing this resource",
		happened: "Another client holds an edit lock on the resource. Nothing was written. Some servers answer this with status 423.",
		next:     "Tell your user who holds the lock, and try again once it has ended. If the lock is your own, send its token in Lock-Token.",
		members: []term{
			{"holder", "who holds the lock, as far as the server shows it"},
			{"expires", "when the lock ends unless it is renewed, a date and time as in RFC 3339"},
		},
		fields: []term{{"Retry-After", "seconds until the lock ends unless it is renewed"}},
	},
	{
		kind: KindDuplicate, status: http.StatusConflict,
		title:    "It exists already",
		happened: "The request would create a second thing where only one may exist: the same name, address or number is in use. Nothing was written.",
		next:     "Use the one that exists, or choose another value. Sending the same request again cannot succeed.",
		members:  []term{{"conflicting", "what is in use already, as far as the server shows it"}},
	},
	{
		kind: KindStateConflict, status: http.StatusConflict,
		title:    "The current state does not allow this",
		happened: "The request is well formed, but a rule of the service forbids it as things are: the slot is taken, the order has been shipped. Nothing was written.",
		next:     "Fetch the current state, show it to your user, and let them choose again. Sending the same request again cannot succeed until that state changes.",
		members:  []term{{"constraint", "the rule's name in the database, as far as the server shows it"}},
	},
	{
		kind: KindDependency, status: http.StatusConflict,
		title:    "Something else depends on this",
		happened: "The change would break a reference: something still refers to what you delete, or what you refer to does not exist. Nothing was written.",
		next:     "Remove or move what depends on it first, or correct the reference. Sending the same request again cannot succeed.",
		members:  []term{{"constraint", "the reference's name in the database, as far as the server shows it"}},
	},
	{
		kind: KindWriteConflict, status: http.StatusConflict, retryable: true,
		title:    "Another write came at the same moment",
		happened: "The database gave this write up because another one touched the same records: a deadlock, a lock that was not free, a serialization failure. It was rolled back.",
		next:     "Wait as long as Retry-After says, and send the same request again. It usually succeeds at once.",
		fields:   []term{retryAfter},
	},
	{
		kind: KindRequestInFlight, status: http.StatusConflict, retryable: true,
		title:    "The first request with this key is still running",
		happened: "A request with the same Idempotency-Key has not finished yet. This one was not run, so nothing is done twice.",
		next:     "Wait as long as Retry-After says, and send the same request with the same key again. You will get the first one's answer.",
		fields:   []term{retryAfter},
	},
	{
		kind: KindOutcomeUnknown, status: http.StatusConflict,
		title:    "The outcome of the first request is unknown",
		happened: "A request with the same Idempotency-Key was begun, and the server that ran it stopped before it recorded how it ended. It may or may not have taken effect. It was not run again.",
		next:     "Never send it with a new key: that could do it twice. Look at the resource to see whether it took effect. An operator may yet settle it; ask later with the same key.",
		members:  []term{{"started", "when the first request began, a date and time as in RFC 3339"}},
	},
	{
		kind: KindResponseNotRetained, status: http.StatusConflict,
		title:    "It was done, but its reply was not kept",
		happened: "A request with the same Idempotency-Key has finished, and its reply was too large to keep, or had to make room. It was not run again.",
		next:     "Treat the operation as done, with the status in original_status. Fetch the result from Location, if there is one. Do not send it with a new key.",
		members:  []term{{"original_status", "the status of the first reply"}},
		fields:   []term{{"Location", "where the first reply pointed, if it did"}},
	},
	{
		kind: KindKeyReused, status: http.StatusUnprocessableEntity,
		title:    "This key belongs to another request",
		happened: "The Idempotency-Key came before with another method, address or body. A key names one operation. This request was not run.",
		next:     "Use a new key for a new operation. If this was meant as a retry, send exactly what you sent first.",
	},
	{
		kind: KindKeyMissing, status: http.StatusBadRequest,
		title:    "This operation needs an Idempotency-Key",
		happened: "The operation must not be done twice, so it is accepted only with an Idempotency-Key. There was none. It was not run.",
		next:     "Make a random key, such as a UUID, once for each operation. Send it in Idempotency-Key, and keep it for every retry.",
	},
	{
		kind: KindKeyInvalid, status: http.StatusBadRequest,
		title:    "The Idempotency-Key cannot be read",
		happened: "The Idempotency-Key is empty, longer than 255 characters, sent more than once, or not a string. The request was not run.",
		next:     "Send one key of 1 to 255 visible ASCII characters, best in double quotes. A UUID will do.",
	},
	{
		kind: KindBodyTooLarge, status: http.StatusRequestEntityTooLarge,
		title:    "The request body is too large",
		happened: "The server has to hold the whole body of such a request, and this one is larger than it may hold. The request was not run.",
		next:     "Send less at a time. The same body cannot succeed.",
		members:  []term{{"limit", "the largest body that is accepted, in bytes"}},
	},
	{
		kind: KindPrincipalUnknown, status: http.StatusInternalServerError,
		title:    "The server cannot tell whom this request acts for",
		happened: "Idempotency keys and edit locks belong to callers, and the server's configuration cannot tell callers apart here. The request was not run. The mistake is the server's.",
		next:     "Tell the people who run the server, with the value of instance. For them: set Principal to a function that names the authenticated subject.",
	},
	{
		kind: KindValidatorMissing, status: http.StatusInternalServerError,
		title:    "The server has no validator for this resource",
		happened: "To judge a precondition the server asks the resource for its current version with a GET, and the resource has no GET. Nothing was written. The mistake is the server's.",
		next:     "Tell the people who run the server, with the value of instance. For them: give the resource a GET, or set Current.",
	},
	{
		kind: KindResponseTooLarge, status: http.StatusInternalServerError,
		title:    "The reply was too large for a transaction",
		happened: "Nothing of a transactional reply may leave before the transaction is committed, and this reply was larger than may be held. Everything was rolled back.",
		next:     "Ask for less at a time, if the operation allows it. Else tell the people who run the server.",
		members:  []term{{"limit", "the largest reply that is held, in bytes"}},
	},
	{
		kind: KindInternal, status: http.StatusInternalServerError,
		title:    "The server failed",
		happened: "The server met an error that it did not expect. Whether the request took effect is not known.",
		next:     "Look at the resource before you send the request again, or use an Idempotency-Key. Tell the people who run the server, with the value of instance.",
	},
	{
		kind: KindValidatorUnavailable, status: http.StatusServiceUnavailable, retryable: true,
		title:    "The current version could not be found out",
		happened: "To judge a precondition the server has to know the current version of the resource, and asking for it failed. Nothing was written.",
		next:     "Wait as long as Retry-After says, and send the same request again.",
		fields:   []term{retryAfter},
	},
	{
		kind: KindStoreUnavailable, status: http.StatusServiceUnavailable, retryable: true,
		title:    "The server cannot protect this request now",
		happened: "The store that keeps requests from doing damage does not answer, or is full. Rather than run the request unprotected, the server did not run it.",
		next:     "Wait as long as Retry-After says, and send the same request again, with the same Idempotency-Key if it had one.",
		fields:   []term{retryAfter},
	},
}

// byKind finds entries; it is never written to after this.
var byKind = func() map[Kind]*entry {
	m := make(map[Kind]*entry, len(registry))
	for i := range registry {
		m[registry[i].kind] = &registry[i]
	}
	return m
}()
