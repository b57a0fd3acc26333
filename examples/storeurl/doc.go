// Package storeurl opens the store that a URL names, for programs that take one
// as a flag. It shows how each store is set up; a program with one store of its
// own needs a few lines of this and one of the drivers.
//
//	memory                                   in this process, and gone with it
//	sqlite:payments.db                       a file, which servers on one machine share
//	postgres://user:password@host:5432/name  PostgreSQL
//	mysql://user:password@host:3306/name     MySQL or MariaDB
//	redis://host:6379/0                      Redis or Valkey
//	nats://host:4222                         NATS with JetStream
package storeurl

// Forms is what a URL may look like, in one line.
const Forms = "memory, sqlite:FILE, postgres://…, mysql://…, redis://… or nats://…"
