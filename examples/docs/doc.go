// Package docs is where the code and the transcripts of the pages in the folder
// docs come from: what is shown there is compiled and run here. After a change
//
//	go test ./examples/docs -update
//	go test ./docs -update
//
// write transcripts and logs, and then the pages, anew.
package docs
