//go:build !race

package collapse_test

const raceEnabled = false
