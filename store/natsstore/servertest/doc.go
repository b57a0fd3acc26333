// Package servertest runs NATS servers with JetStream inside the process of a
// test, alone and in clusters, and tests package natsstore on them. It is a
// module of its own, so that nobody who imports natsstore gets a server with it.
package servertest
