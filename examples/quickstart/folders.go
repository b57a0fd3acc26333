package main

import (
	"errors"
	"strconv"
)

// maxFolders keeps a server that anybody may post to within its memory.
const maxFolders = 1000

var (
	errNoFolder    = errors.New("there is no such folder")
	errFolderInUse = errors.New("there are documents in the folder")
)

// Folder is where documents can be.
type Folder struct {
	Name string `json:"name"`
}

// CreateFolder keeps f under an id of its own, which it returns.
func (d *Documents) CreateFolder(f Folder) (id string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.folders) >= maxFolders {
		return "", errFull
	}
	d.lastFolder++
	id = strconv.Itoa(d.lastFolder)
	d.folders[id] = f
	return id, nil
}

// DeleteFolder removes the folder with this id, or returns errNotFound, or
// errFolderInUse while documents are in it. It is a method of Documents since
// that is one step: no document may come in between.
func (d *Documents) DeleteFolder(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.folders[id]; !ok {
		return errNotFound
	}
	for _, doc := range d.byID {
		if doc.Folder == id {
			return errFolderInUse
		}
	}
	delete(d.folders, id)
	return nil
}

// hasFolder reports whether doc can be where it says, for a caller that holds
// the mutex.
func (d *Documents) hasFolder(doc Document) bool {
	_, ok := d.folders[doc.Folder]
	return ok || doc.Folder == ""
}
