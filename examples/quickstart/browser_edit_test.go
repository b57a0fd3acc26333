package main

import (
	"strings"
	"testing"
)

const picnic = "picnic" // the id of the document on the page

// twoTabs has Ann and Bob open the page, each in a tab of the same browser.
func twoTabs(t *testing.T, b browser) (ann, bob *tab, s *pageServer) {
	t.Helper()
	s = newPageServer(t)
	return open(t, b, s.base, "ann"), open(t, b, s.base, "bob"), s
}

func savesOfTwoTabsAreMerged(t *testing.T, b browser) {
	ann, bob, s := twoTabs(t, b)
	ann.retype("Bread", "Rye bread")
	ann.click("save")
	ann.says("edit-says", "Saved.")

	bob.retype("A blanket", "Two blankets")
	bob.click("save")
	bob.says("merge-title", "Ann changed it before you saved")
	bob.says("merge-explains", "both changes fit together")
	bob.says("chunks", "Ann changed the text\nBread\nRye bread")
	bob.says("chunks", "You changed the text\nA blanket\nTwo blankets")
	if focused := evaluate[string](bob, "document.activeElement.id"); focused != "merge-title" {
		t.Errorf("what happened is not where the keyboard is, but %s", focused)
	}
	stands, _ := s.api.documents.Get(picnic)
	if stands.ChangedBy != "ann" || !strings.Contains(stands.Body, "A blanket") {
		t.Errorf("before the merge the document is %v", stands)
	}

	bob.click("accept")
	bob.says("edit-says", "Saved.")
	want := Document{Title: "Picnic", Body: "Rye bread\nButter\nCheese\nApples\nLemonade\nTwo blankets", ChangedBy: "bob"}
	if got, err := s.api.documents.Get(picnic); got != want || err != nil {
		t.Errorf("the document is %v, %v; want %v", got, err, want)
	}
	if got := evaluate[string](bob, `$("text").value`); got != want.Body {
		t.Errorf("in Bob's editor is %q", got)
	}
	bob.until(`$("merge").hidden`)
	if log := bob.text("log"); !strings.Contains(log, "412") || !strings.Contains(log, "The resource has changed since you read it.") {
		t.Errorf("the log does not show the refusal:\n%s", log)
	}

	// What Bob saved is in Ann's way now, and the next save of either is one more
	// round of the same.
	ann.retype("Apples", "Pears")
	ann.click("save")
	ann.says("merge-title", "Bob changed it before you saved")
	ann.click("accept")
	ann.says("edit-says", "Saved.")
	if got, _ := s.api.documents.Get(picnic); !strings.HasPrefix(got.Body, "Rye bread\nButter\nCheese\nPears\nLemonade\nTwo") || got.ChangedBy != "ann" {
		t.Errorf("the document is %v", got)
	}
}

func overlappingEditsAreChosenFrom(t *testing.T, b browser) {
	for _, c := range []struct{ choice, line string }{
		{"theirs", "Gouda"}, {"mine", "Brie"}, {"both", "Gouda\nBrie"},
	} {
		t.Run(c.choice, func(t *testing.T) {
			ann, bob, s := twoTabs(t, b)
			ann.retype("Cheese", "Gouda")
			ann.retype("Bread", "Rye bread")
			ann.click("save")
			ann.says("edit-says", "Saved.")
			bob.retype("Cheese", "Brie")
			bob.click("save")
			bob.says("merge-explains", "You both changed one place: choose.")
			bob.says("chunks", "You both changed the text. It was: Cheese")
			bob.says("chunks", "Gouda")
			bob.says("chunks", "Brie")
			if !evaluate[bool](bob, `$("accept").disabled`) {
				t.Error("a merge can be saved of which nothing was chosen")
			}
			evaluate[bool](bob, `document.querySelector("#chunks [value=`+c.choice+`]").click() ?? true`)
			bob.says("merged", c.line)
			bob.click("accept")
			bob.says("edit-says", "Saved.")
			want := "Rye bread\nButter\n" + c.line + "\nApples\nLemonade\nA blanket"
			if got, _ := s.api.documents.Get(picnic); got.Body != want || got.ChangedBy != "bob" {
				t.Errorf("the document is %v, want %q", got, want)
			}
		})
	}
}

func oneSideCanBeDropped(t *testing.T, b browser) {
	ann, bob, s := twoTabs(t, b)
	ann.retype("Cheese", "Gouda")
	ann.click("save")
	ann.says("edit-says", "Saved.")
	bob.retype("Cheese", "Brie")
	bob.click("save")
	bob.says("yield", "Drop mine, take Ann's")
	bob.click("yield")
	bob.says("edit-says", "This is Ann's version.")
	bob.retype("Gouda", "Old gouda") // from here he is up to date
	bob.click("save")
	bob.says("edit-says", "Saved.")
	if got, _ := s.api.documents.Get(picnic); !strings.Contains(got.Body, "Old gouda") {
		t.Errorf("the document is %v", got)
	}
}

func theMergeIsRefusedIfItIsStaleToo(t *testing.T, b browser) {
	ann, bob, s := twoTabs(t, b)
	ann.retype("Bread", "Rye bread")
	ann.click("save")
	ann.says("edit-says", "Saved.")
	bob.retype("Apples", "Pears")
	bob.click("save")
	bob.says("merge-title", "Ann changed it")
	ann.retype("Butter", "Olive oil")
	ann.click("save")
	ann.says("edit-says", "Saved.")
	bob.until(`!$("merged").innerText.includes("Olive oil")`)
	bob.click("accept")
	bob.says("merged", "Olive oil")
	bob.click("accept")
	bob.says("edit-says", "Saved.")
	if got, _ := s.api.documents.Get(picnic); got.Body != "Rye bread\nOlive oil\nCheese\nPears\nLemonade\nA blanket" {
		t.Errorf("the document is %v", got)
	}
}

func aDeletedDocumentIsSaidToBe(t *testing.T, b browser) {
	ann, _, s := twoTabs(t, b)
	if err := s.api.documents.Delete(picnic); err != nil {
		t.Fatal(err)
	}
	ann.retype("Apples", "Pears")
	ann.click("save")
	ann.says("merge-title", "The document was deleted")
	ann.click("accept")
	ann.says("edit-says", "Saved.")
	if got, _ := s.api.documents.Get(picnic); !strings.Contains(got.Body, "Pears") {
		t.Errorf("the document is %v", got)
	}
}

func aLostAnswerToASaveIsNoConflict(t *testing.T, b browser) {
	s := newPageServer(t)
	ann := open(t, b, s.base, "ann")
	s.lose("PUT", false)
	ann.retype("Apples", "Pears")
	ann.click("save")
	ann.says("edit-says", "Saved.")
	sent := s.requests("PUT")
	if n := len(sent); n != 3 || sent[1].key != sent[2].key || sent[0].key == sent[1].key {
		t.Errorf("sent %v; want the first document, the save, and the save again with its key", sent)
	}
	if last := sent[len(sent)-1]; last.status != 200 || !last.replayed {
		t.Errorf("the save that was sent again was answered %v; want the first answer", last)
	}
}

// Whatever is written into a document is text.
func nothingInADocumentRuns(t *testing.T, b browser) {
	const evil = `<img src=x onerror="document.title='evil'"><script>document.title='evil'</script>`
	ann, _, s := twoTabs(t, b)
	if _, err := s.api.documents.Put(picnic, Document{Title: evil, Body: evil, ChangedBy: evil}); err != nil {
		t.Fatal(err)
	}
	ann.retype("Bread", "Rye bread")
	ann.click("save")
	ann.says("merge-title", "changed it before you saved")
	ann.says("chunks", evil)
	if n := evaluate[int](ann, `document.querySelectorAll("img, script").length`); n != 1 {
		t.Errorf("%d images and scripts on the page; want its own script alone", n)
	}
	if title := evaluate[string](ann, "document.title"); title != "Ann: Concord in two tabs" {
		t.Errorf("the title is %q", title)
	}
	ann.provoked = "This document requires 'TrustedHTML' assignment"
	refused := evaluate[bool](ann, `(() => { try { document.body.insertAdjacentHTML("beforeend", "<b>"); return false } catch { return true } })()`)
	if !refused {
		t.Error("text can become markup: the policy does not hold")
	}
}
