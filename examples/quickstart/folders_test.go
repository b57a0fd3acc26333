package main

import (
	"errors"
	"testing"
)

func TestAFolderStaysWhileDocumentsAreInIt(t *testing.T) {
	documents, _ := newTestDocuments(t)
	folder, err := documents.CreateFolder(Folder{Name: "F"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := documents.Create(Document{Title: "A", Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if err := documents.DeleteFolder(folder); !errors.Is(err, errFolderInUse) {
		t.Errorf("with a document in it: %v", err)
	}
	if _, err := documents.Put(id, Document{Title: "A"}); err != nil {
		t.Fatal(err)
	}
	if err := documents.DeleteFolder(folder); err != nil {
		t.Errorf("after the document was moved: %v", err)
	}
	if err := documents.DeleteFolder(folder); !errors.Is(err, errNotFound) {
		t.Errorf("once more: %v", err)
	}
	if _, err := documents.Put(id, Document{Title: "A", Folder: folder}); !errors.Is(err, errNoFolder) {
		t.Errorf("a document into a folder that is gone: %v", err)
	}
}

func TestThereIsALimitToFolders(t *testing.T) {
	documents, _ := newTestDocuments(t)
	for range maxFolders {
		if _, err := documents.CreateFolder(Folder{Name: "F"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := documents.CreateFolder(Folder{Name: "F"}); !errors.Is(err, errFull) {
		t.Errorf("one more than the limit: %v", err)
	}
}
