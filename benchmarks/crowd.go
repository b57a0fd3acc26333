package main

import "sync"

// crowd returns what sends the request from many goroutines at once, and waits
// for all.
func (e *entry) crowd(status int) func() error {
	callers := make([]caller, e.scenario.readers)
	for i := range callers {
		callers[i] = e.inProcess(nil)
	}
	errs := make([]error, len(callers))
	return func() error {
		each(len(callers), func(i int) { errs[i] = must(callers[i], status) })
		return first(errs)
	}
}

// first is the first error of some, if there is one.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls do for 0 to n-1, each in a goroutine, and waits for all.
func each(n int, do func(int)) {
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() { do(i) })
	}
	done.Wait()
}
