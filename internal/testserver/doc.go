// Package testserver finds the servers that tests talk to, or starts private
// ones.
//
// The address of a server comes from an environment variable; without it a
// private server is started from a program on PATH, on a port of the loopback
// that the system chooses; without that the test is skipped and says why. With
// CONCORD_TEST_REQUIRE=1 such a skip is a failure.
//
// A private server lives in a folder of its own and is ended, by its process
// id, when the test that started it ends. It can be killed, paused and started
// again, so that a test sees what an outage makes of a store.
package testserver
