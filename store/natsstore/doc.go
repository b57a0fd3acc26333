// Package natsstore keeps records in a JetStream key-value bucket, alone on one
// server or replicated by Raft. It is a [store.Store] and a [store.Watcher].
//
// A record is one message: the last of its subject in the stream of the bucket,
// head and body together. Its version is its sequence in the stream, and each
// step is a publish that names the sequence it replaces, so it is the server
// that compares and sets. What is deleted is replaced by an empty message, the
// tombstone of the bucket's other clients.
//
// # Time
//
// A record says how long it lives, and the server says when it was written; the
// sum is its deadline, the same for everybody who reads it. What the server's
// clock shows now is estimated from the answers to requests for stream
// information, and the estimate is a lower bound: the clock has reached it for
// certain. So Age is never more than it is, and no record expires early. How
// much later than its deadline a record may be seen: the time that an answer
// takes, a thousandth of the time since the last one, which is 5 ms at most,
// and, in a replicated bucket, [Config.MaxSkew].
//
// Clients that disagree about the time by as much may disagree about whether a
// record has expired. They cannot both have their way: whoever writes over what
// has expired names its sequence, and so does whoever replaces what still
// stands; the server lets one of them through. For the same reason a Replace or
// a Delete that is under way when its record expires may still succeed, as long
// as nobody has written over it.
//
// The time to live that the server is told of is [Config.Grace] longer, and
// does nothing but collect garbage.
//
// # Reads
//
// Reads ask the leader of the stream and never a replica. A leader that was cut
// off from the others, and has not noticed yet, answers too, with what was true
// when it was cut off; a store takes no answer that is older than what it has
// seen or written at that key itself, nor that there is nothing, but what it
// knows of a key is forgotten after some thousand others. Writes cannot be mistaken, since they are decided
// by the majority.
package natsstore
