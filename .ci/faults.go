//go:build ignore

// Faults plants faults in the code, one at a time, and fails unless the test
// that is named beside each of them fails too. Run it as
//
//	go run .ci/faults.go
//
// from the root, for the faults of every testdata/faults.txt, or with the names
// of files, or patterns of them, for those. The sources stay as they are: the
// fault is laid over them with the -overlay flag of go test. The files say what
// a fault is.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fault is a change to a source file, and the test that has to see it.
type fault struct {
	name, file, pkg, test string
	good, bad             []string   // the lines that are replaced, and what by
	missed                chan error // how it went; nil: the test has failed
}

// atOnce is how many faults are tried at the same time.
const atOnce = 2

func main() {
	files, err := named(os.Args[1:])
	if err != nil {
		exit(err)
	}
	var all [][]*fault
	for _, file := range files {
		faults, err := read(file)
		if err != nil {
			exit(err)
		}
		if len(faults) == 0 {
			exit(fmt.Errorf("%s has no faults", file))
		}
		all = append(all, faults)
	}
	go try(all)
	count, missed := 0, 0
	for i, file := range files {
		fmt.Printf("%s:\n", file)
		for _, f := range all[i] {
			count++
			if err := <-f.missed; err != nil {
				missed++
				fmt.Printf("  MISSED: %s: %v\n", f.name, err)
				continue
			}
			fmt.Printf("  caught by %s: %s\n", f.test, f.name)
		}
	}
	if missed > 0 || count == 0 {
		exit(fmt.Errorf("%d of %d faults were not caught", missed, count))
	}
	fmt.Printf("%d faults, each caught.\n", count)
}

// try tries the faults, some at a time, in the order in which they are told.
func try(all [][]*fault) {
	free := make(chan struct{}, atOnce)
	for _, faults := range all {
		for _, f := range faults {
			free <- struct{}{}
			go func() {
				f.missed <- f.plant()
				<-free
			}()
		}
	}
}

// named returns the files that match patterns; without any, all that there are.
func named(patterns []string) (files []string, err error) {
	for _, pattern := range patterns {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			return nil, errors.Join(fmt.Errorf("no file is called %s", pattern), err)
		}
		files = append(files, some...)
	}
	if len(patterns) > 0 {
		return files, nil
	}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Base(path) == "faults.txt" && filepath.Base(filepath.Dir(path)) == "testdata" {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// read reads faults, which are separated by empty lines. Lines that begin with
// "#" are comments.
func read(name string) (all []*fault, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f *fault
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if line == "" {
			f = nil
			continue
		}
		if f == nil {
			f = &fault{missed: make(chan error, 1)}
			all = append(all, f)
		}
		if !f.add(line) {
			return nil, fmt.Errorf("%s:%d: cannot be read: %q", name, i+1, line)
		}
	}
	return all, nil
}

func (f *fault) add(line string) bool {
	switch line[0] {
	case '-':
		f.good = append(f.good, line[1:])
		return true
	case '+':
		f.bad = append(f.bad, line[1:])
		return true
	}
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "fault":
		f.name = value
	case "file":
		f.file = value
	case "test":
		pkg, test, ok := strings.Cut(value, " ")
		f.pkg, f.test = pkg, test
		return ok
	default:
		return false
	}
	return true
}

// plant runs the test with the fault, and returns nil if it fails.
func (f *fault) plant() error {
	if f.name == "" || f.file == "" || f.test == "" || len(f.good) == 0 {
		return errors.New("is not described in full")
	}
	source, err := os.ReadFile(f.file)
	if err != nil {
		return err
	}
	good := strings.Join(f.good, "\n") + "\n"
	if n := strings.Count(string(source), good); n != 1 {
		return fmt.Errorf("%s has the lines to replace %d times", f.file, n)
	}
	bad := strings.Join(f.bad, "\n")
	if len(f.bad) > 0 {
		bad += "\n"
	}
	dir, err := os.MkdirTemp("", "fault")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := lay(dir, f.file, strings.Replace(string(source), good, bad, 1))
	if err != nil {
		return err
	}
	test := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-timeout=60s", "-run", "^"+strings.ReplaceAll(f.test, "/", "$/^")+"$", f.pkg)
	said, err := test.CombinedOutput()
	switch {
	case strings.Contains(string(said), "no tests to run"):
		return fmt.Errorf("there is no %s", f.test)
	case err == nil:
		return fmt.Errorf("%s passes all the same", f.test)
	case !f.failed(string(said)):
		return fmt.Errorf("%s did not fail, but:\n%s", f.test, last(said))
	}
	return nil
}

// lay writes the changed source and the overlay that puts it in the place of
// file, and returns the overlay's name.
func lay(dir, file, source string) (string, error) {
	original, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(changed, []byte(source), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// last returns the end of what a test said.
func last(said []byte) []byte { return said[max(0, len(said)-4096):] }

// failed reports whether it was the test that failed, and not the build: by an
// assertion, or by a panic that came out of it.
func (f *fault) failed(said string) bool {
	function, _, _ := strings.Cut(f.test, "/")
	return strings.Contains(said, "--- FAIL: "+function) ||
		strings.Contains(said, "panic: ") && strings.Contains(said, "."+function+".")
}
