// Package clients has nothing but tests: HTTP clients that people use already,
// unchanged, against an API with Concord around it, over a real connection. What
// each does by itself, and what has to be set, is in README.md; every row of it
// names the test that shows it.
package clients
