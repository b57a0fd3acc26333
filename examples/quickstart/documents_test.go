package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

func newTestDocuments(t *testing.T) (documents *Documents, changes func() []string) {
	t.Helper()
	var told []string
	return NewDocuments(func(change string) { told = append(told, change) }), func() []string { return told }
}

func TestDocumentsKeepWhatTheyAreGiven(t *testing.T) {
	documents, changes := newTestDocuments(t)
	id, err := documents.Create(Document{Title: "A", Body: "a"})
	if id != "1" || err != nil {
		t.Fatalf("Create: %q, %v", id, err)
	}
	if created, err := documents.Put("own", Document{Title: "B"}); !created || err != nil {
		t.Fatalf("Put of a new id: %v, %v", created, err)
	}
	if created, err := documents.Put("own", Document{Title: "C"}); created || err != nil {
		t.Fatalf("Put of an id that stands: %v, %v", created, err)
	}
	if got, want := documents.List(), []Entry{{"1", "A"}, {"own", "C"}}; !slices.Equal(got, want) {
		t.Errorf("List: %v, want %v", got, want)
	}
	if err := documents.Delete("1"); err != nil {
		t.Fatal(err)
	}
	if _, err := documents.Get("1"); !errors.Is(err, errNotFound) {
		t.Errorf("Get of what was deleted: %v", err)
	}
	if want := []string{"created 1", "created own", "updated own", "deleted 1"}; !slices.Equal(changes(), want) {
		t.Errorf("told of %q, want %q", changes(), want)
	}
}

func TestDocumentsAreListedInTheOrderOfTheirNumbers(t *testing.T) {
	documents, _ := newTestDocuments(t)
	for i := range 11 {
		if _, err := documents.Create(Document{Title: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	list := documents.List()
	if list[1].ID != "2" || list[9].ID != "10" {
		t.Errorf("listed as %v", list)
	}
}

func TestATitleBelongsToOneDocument(t *testing.T) {
	documents, changes := newTestDocuments(t)
	for _, title := range []string{"A", "B"} {
		if _, err := documents.Create(Document{Title: title}); err != nil {
			t.Fatal(err)
		}
	}
	inUse := func(step string, err error) {
		t.Helper()
		var title *titleError
		if !errors.As(err, &title) || title.holder != "1" {
			t.Errorf("%s: %v, want a title error that names document 1", step, err)
		}
	}
	_, err := documents.Create(Document{Title: "A"})
	inUse("Create", err)
	_, err = documents.Put("2", Document{Title: "A"})
	inUse("Put", err)
	_, err = documents.Change("2", func(d Document) (Document, error) { d.Title = "A"; return d, nil })
	inUse("Change", err)
	if _, err := documents.Put("1", Document{Title: "A", Body: "again"}); err != nil {
		t.Errorf("a document keeps its own title: %v", err)
	}
	if got := changes(); len(got) != 3 {
		t.Errorf("told of %q; what failed is no change", got)
	}
}

func TestAnIDThatAClientChoseIsNotGivenOutAgain(t *testing.T) {
	documents, _ := newTestDocuments(t)
	if _, err := documents.Put("1", Document{Title: "chosen"}); err != nil {
		t.Fatal(err)
	}
	if id, err := documents.Create(Document{Title: "created"}); id != "2" || err != nil {
		t.Errorf("Create: %q, %v", id, err)
	}
}

func TestThereIsALimitToDocuments(t *testing.T) {
	documents, _ := newTestDocuments(t)
	for i := range maxDocuments {
		if _, err := documents.Create(Document{Title: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := documents.Create(Document{Title: "more"}); !errors.Is(err, errFull) {
		t.Errorf("one more than the limit: %v", err)
	}
	if _, err := documents.Put("1", Document{Title: "other"}); err != nil {
		t.Errorf("what is there can be changed: %v", err)
	}
}

func TestChangeIsOneStep(t *testing.T) {
	documents, _ := newTestDocuments(t)
	if _, err := documents.Create(Document{Title: "A"}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := documents.Change("1", func(d Document) (Document, error) { d.Body += "x"; return d, nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if d, _ := documents.Get("1"); len(d.Body) != 50 {
		t.Errorf("%d of 50 changes are there", len(d.Body))
	}
}
