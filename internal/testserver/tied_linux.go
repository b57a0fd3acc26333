package testserver

import "syscall"

// tie has a server end with the process of its test, also where that ends
// without a word: a panic, or a time limit.
func tie(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
