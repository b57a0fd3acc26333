// Package servertest tests redisstore where that takes more than its users should
// have to download: porcupine, which searches for an order of what concurrent
// clients saw, and toxiproxy, which breaks connections.
package servertest
