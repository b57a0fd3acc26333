// Package docs is where the code and the transcripts of the pages in docs come
// from. Each block of a page names its source above itself,
//
//	<!-- from examples/docs/modes_test.go#charge -->
//
// a file of the repository, or declarations in it: what is read is what is
// compiled and run. The same goes for every other Markdown file. After a change,
//
//	go test ./examples/docs -update
//
// writes transcripts and logs anew, and then all blocks.
package docs
