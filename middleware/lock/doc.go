// Package lock keeps others from writing while somebody edits. A client takes an
// edit lock of a resource with LOCK, writes under it with the token that it got,
// and ends it with UNLOCK; whoever writes meanwhile is told who holds the lock
// and until when.
//
//	layer, err := lock.New(lock.Config{
//		Principal: func(r *http.Request) (string, error) { return userOf(r) },
//		Lockable:  middleware.Routes("/documents/{id}"),
//		Holder:    func(r *http.Request) string { return displayNameOf(r) },
//	})
//	…
//	http.ListenAndServe(addr, layer.Handler(mux))
//
// It is in the manner of WebDAV (RFC 4918 sections 6, 9.10 and 9.11) without
// being it: there are no XML bodies, no If field, no shared locks and no depth.
// A lock is of one resource and exclusive.
//
// # On the wire
//
// LOCK, with a Timeout such as "Second-300" if the client cares, is answered 200
// with Lock-Token, the Timeout that was granted, and a JSON object of token,
// holder and expires. LOCK with Lock-Token gives that lock a new time to live;
// UNLOCK with Lock-Token ends it, 204. Bodies of both are ignored.
//
// A write of a locked resource carries Lock-Token, and counts only from the
// principal that took the lock: a token that leaks is not enough. Everybody
// else's gets the problem "locked", and so does a second tab of the holder's,
// until it sends the token. A request whose Lock-Token names a lock that does
// not stand any more gets "version-mismatch": the client has lost its lock, and
// others may have written since. A request without Lock-Token, of a resource
// that is not locked, goes through.
//
// Some proxies refuse methods that they do not know. A server can have routes of
// its own instead, with [Layer.Acquire], [Layer.Renew] and [Layer.Release];
// writes under such a lock carry Lock-Token as well.
//
// # Why locks are looked at inside the gate
//
// A write that was let through can wait: for its turn, for its handler, for a
// commit. Were the lock looked at before, a LOCK could be granted meanwhile, and
// the write would land under it, after the editor has fetched what it is going to
// overwrite. So every unsafe request of a resource that can be locked passes the
// gate of its resource (see [lease.Gate]), LOCK included, and stays inside until
// its handler has returned. They run one at a time, between all servers on one
// store. To renew a lock or to end it needs no gate, so that a client can keep its
// lock while its own write takes long; after UNLOCK such a write still goes on, and
// the next LOCK waits for its end. POST is no exception: a POST that changes a document
// would be the same fault. A collection that is only posted to is not edited,
// and better left out with Config.Lockable.
//
// # Rules of composition
//
//   - Authentication MUST stand outside: the layer answers LOCK itself, and no
//     handler looks at who asks. Who may lock what is for Config.Authorize.
//   - A database transaction MUST begin and commit inside.
//   - With entity tags, the layer SHOULD stand inside etag's Conditions, on the
//     same Store and Namespace: one passage of the gate then serves both, and
//     LOCK can be conditional. LOCK does not ask whether the resource exists;
//     If-Match: * does.
//   - All writes of a resource MUST pass the layer, or a handler compares the
//     fencing token, [Held.Token].
//   - [http.TimeoutHandler] SHOULD stand outside: inside, it answers while the
//     handler it gave up on goes on writing, and the gate has opened.
//
// # Limits
//
// A lock lasts for Config.MaxTTL at most unless it is renewed, by the clock of
// the store. Nothing but time, UNLOCK and [Layer.Break] ends it: neither the end
// of a connection nor that of the resource, if it is deleted. A client that loses the
// answer to LOCK does not know its token, and waits for the lock to expire like
// everybody else. Bodies of writes are held in memory up to Config.MaxBody, a
// larger one is refused with 413; so are answers, and a larger one is sent on as
// it is written, while the gate is held.
//
// If the store does not answer, or what it keeps cannot be read, nothing is run.
// A handler that goes on after its context has ended can overlap with others,
// which is what the fencing token is for.
package lock
