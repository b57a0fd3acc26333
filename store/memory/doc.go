// Package memory is the store that Concord uses unless it is given another: in
// the process, bounded, and gone when the process ends. Servers that share the
// load of one resource must share a store too, and this one they cannot.
//
// Keys are spread over shards with a lock each, so that requests for different
// resources hardly ever wait for each other. Heads lie in a map that is bounded
// by [Config.MaxRecords] and never evicts. Bodies count against
// [Config.MaxBodyBytes], and the least recently used go first.
//
// There is no background goroutine. A record is absent from the instant it
// expires because every method compares its deadline with the clock; its room
// comes back when its key is next touched, a few at a time with every write to
// its shard, when the store is full, and with [Store.Sweep].
//
// Records are not copied on their way in or out: the contract makes their
// slices read-only on both sides. A head or body that is a small part of a
// large array keeps all of that array in memory, and so does a key that is a
// substring of a large string.
package memory
