//go:build unix && !linux

package testserver

import "syscall"

// tie does nothing: only Linux ties one process to the end of another.
func tie(*syscall.SysProcAttr) {}
