package problem

// Kind names a kind of problem, and is the last part of its type URI. Clients
// tell problems apart by it, so a kind never changes its meaning. The zero
// value is no kind: such a problem has the type "about:blank" of RFC 9457
// section 4.2.1, unless it names another one. Servers may use kinds of their
// own; they give Status and Type themselves.
type Kind string

// The kinds that Concord answers with, in the order of the published page,
// which [Docs] serves. The status in brackets is the default; see
// [Problem.Status].
const (
	KindVersionMismatch       Kind = "version-mismatch"       // [412] a precondition is false
	KindPreconditionRequired  Kind = "precondition-required"  // [428] a precondition is wanted and missing
	KindPreconditionMalformed Kind = "precondition-malformed" // [400] If-Match or If-None-Match cannot be read
	KindResourceBusy          Kind = "resource-busy"          // [409] another write of the same resource did not finish in time
	KindLocked                Kind = "locked"                 // [409] somebody else holds an edit lock
	KindDuplicate             Kind = "duplicate"              // [409] the resource exists already
	KindStateConflict         Kind = "state-conflict"         // [409] a rule of the business forbids it now
	KindDependency            Kind = "dependency"             // [409] something else depends on it
	KindWriteConflict         Kind = "write-conflict"         // [409] the database gave up on a concurrent write
	KindRequestInFlight       Kind = "request-in-flight"      // [409] the first request with this key still runs
	KindOutcomeUnknown        Kind = "outcome-unknown"        // [409] the first request with this key died unrecorded
	KindResponseNotRetained   Kind = "response-not-retained"  // [409] done before, its reply was too large to keep
	KindKeyReused             Kind = "key-reused"             // [422] the key came with another request before
	KindKeyMissing            Kind = "key-missing"            // [400] this operation wants an Idempotency-Key
	KindKeyInvalid            Kind = "key-invalid"            // [400] the key cannot be read
	KindBodyTooLarge          Kind = "body-too-large"         // [413] more than the layer may hold
	KindPrincipalUnknown      Kind = "principal-unknown"      // [500] the server cannot tell whom the request acts for
	KindValidatorMissing      Kind = "validator-missing"      // [500] the resource has no GET to ask for its validator
	KindResponseTooLarge      Kind = "response-too-large"     // [500] a transactional reply was too large, and was rolled back
	KindInternal              Kind = "internal"               // [500] an error of the handler that is no conflict
	KindValidatorUnavailable  Kind = "validator-unavailable"  // [503] the current validator could not be found out
	KindStoreUnavailable      Kind = "store-unavailable"      // [503] the store does not answer, or is full
)
