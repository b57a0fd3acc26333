package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Everything that is tested in a browser shares one, since it takes its time to
// start. Each test has a server, and tabs, of its own.
func TestThePageInABrowser(t *testing.T) {
	b := startBrowser(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, browser)
	}{
		{"the saves of two tabs are merged", savesOfTwoTabsAreMerged},
		{"overlapping edits are chosen from", overlappingEditsAreChosenFrom},
		{"one side can be dropped", oneSideCanBeDropped},
		{"the merge is refused if it is stale too", theMergeIsRefusedIfItIsStaleToo},
		{"a deleted document is said to be", aDeletedDocumentIsSaidToBe},
		{"a lost answer to a save is no conflict", aLostAnswerToASaveIsNoConflict},
		{"nothing in a document runs", nothingInADocumentRuns},
		{"a double click charges once", aDoubleClickChargesOnce},
		{"a lost answer is asked for with the same key", aLostAnswerIsAskedForWithTheSameKey},
		{"the page loses an answer by itself", thePageLosesAnAnswerByItself},
		{"a key is that of an order", aKeyIsThatOfAnOrder},
		{"merging", merging},
		{"it fits a phone", itFitsAPhone},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, b) })
	}
}

func itFitsAPhone(t *testing.T, b browser) {
	ann, bob, _ := twoTabs(t, b)
	bob.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	ann.retype("Cheese", strings.Repeat("cheese", 20))
	ann.click("save")
	ann.says("edit-says", "Saved.")
	bob.retype("Cheese", "Brie")
	bob.click("save")
	bob.says("merge-title", "Ann changed it")
	if width := evaluate[int](bob, "document.documentElement.scrollWidth"); width > 390 {
		t.Errorf("it is %d pixels wide", width)
	}
}
