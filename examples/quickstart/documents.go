package main

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"sync"
)

// maxDocuments keeps a server that anybody may post to within its memory.
const maxDocuments = 1000

var (
	errNotFound = errors.New("there is no such document")
	errFull     = errors.New("there is no room for another one")
)

// A titleError says that another document has the title already.
type titleError struct{ holder string }

func (e *titleError) Error() string { return "document " + e.holder + " has this title" }

// Document is what the API reads and writes.
type Document struct {
	Title  string `json:"title"`
	Body   string `json:"body"`
	Folder string `json:"folder,omitempty"` // the id of the one that it is in
	// ChangedBy is who wrote this version: set by the server, empty if the request
	// named nobody.
	ChangedBy string `json:"changed_by,omitempty"`
}

// Entry is one line of the list of documents.
type Entry struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Documents keeps documents and their folders in memory. A title belongs to one
// document only.
// Its mutex makes each method one step, as a database would; it does nothing
// about a client that read one version and overwrites another. Safe for
// concurrent use.
type Documents struct {
	mu         sync.RWMutex
	last       int // the last number given out as an id
	byID       map[string]Document
	lastFolder int
	folders    map[string]Folder
	changed    func(change string) // told of each change, "updated 3"; must not block
}

// NewDocuments returns an empty collection that tells changed of each change.
func NewDocuments(changed func(string)) *Documents {
	return &Documents{byID: map[string]Document{}, folders: map[string]Folder{}, changed: changed}
}

// List returns every document, ordered by id.
func (d *Documents) List() []Entry {
	d.mu.RLock()
	defer d.mu.RUnlock()
	entries := make([]Entry, 0, len(d.byID))
	for id, doc := range d.byID {
		entries = append(entries, Entry{ID: id, Title: doc.Title})
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		// Ids that are numbers in the order of numbers: 2 before 10.
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return entries
}

// Get returns the document with this id, or errNotFound.
func (d *Documents) Get(id string) (Document, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	doc, ok := d.byID[id]
	if !ok {
		return Document{}, errNotFound
	}
	return doc, nil
}

// Create keeps doc under an id of its own, which it returns.
func (d *Documents) Create(doc Document) (id string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for taken := true; taken; {
		d.last++
		id = strconv.Itoa(d.last)
		_, taken = d.byID[id]
	}
	_, err = d.put(id, doc)
	return id, err
}

// Put keeps doc under id, and reports whether there was none before.
func (d *Documents) Put(id string, doc Document) (created bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.put(id, doc)
}

// Change replaces the document with what change makes of it. An error of change
// leaves it as it was and is returned as it is.
func (d *Documents) Change(id string, change func(Document) (Document, error)) (Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	doc, ok := d.byID[id]
	if !ok {
		return Document{}, errNotFound
	}
	doc, err := change(doc)
	if err != nil {
		return Document{}, err
	}
	_, err = d.put(id, doc)
	return doc, err
}

// Delete removes the document with this id, or returns errNotFound.
func (d *Documents) Delete(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.byID[id]; !ok {
		return errNotFound
	}
	delete(d.byID, id)
	d.changed("deleted " + id)
	return nil
}

// put is Put for a caller that holds the mutex.
func (d *Documents) put(id string, doc Document) (created bool, err error) {
	for other, o := range d.byID {
		if o.Title == doc.Title && other != id {
			return false, &titleError{holder: other}
		}
	}
	if !d.hasFolder(doc) {
		return false, errNoFolder
	}
	_, stands := d.byID[id]
	if !stands && len(d.byID) >= maxDocuments {
		return false, errFull
	}
	d.byID[id] = doc
	if stands {
		d.changed("updated " + id)
	} else {
		d.changed("created " + id)
	}
	return !stands, nil
}
