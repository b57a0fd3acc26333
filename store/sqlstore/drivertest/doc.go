// Package drivertest checks package sqlstore with real drivers on real databases.
// It exports nothing.
package drivertest
