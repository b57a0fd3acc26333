// Package drivertest checks that problem.FromSQL reads the errors of real
// database drivers. It exports nothing.
package drivertest
