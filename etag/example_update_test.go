package etag_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/concordhttp/concord/etag"
)

// Two clients book seats of one plane. The second was faster, which the first one
// finds out when it writes: it reads again, and books what is free by then.
func ExampleUpdate() {
	type plane struct {
		Free  int               `json:"free"`
		Seats map[string]string `json:"seats"`
	}
	server := planes(`{"free":2,"seats":{}}`)
	defer server.Close()
	client := &etag.Client{HTTP: server.Client()}
	book := func(who string, meanwhile func()) error {
		booked, _, err := etag.Update(context.Background(), client, server.URL+"/plane", func(p *plane) error {
			meanwhile()
			meanwhile = func() {}
			switch {
			case p.Seats[who] != "":
				return etag.ErrNoChange
			case p.Free == 0:
				return errors.New("the plane is full")
			}
			p.Seats[who] = fmt.Sprint("seat ", p.Free)
			p.Free--
			return nil
		})
		fmt.Println(who, "has", booked.Seats[who])
		return err
	}
	err := book("Ann", func() { _ = book("Bob", func() {}) })
	fmt.Println(err)
	// Output:
	// Bob has seat 2
	// Ann has seat 1
	// <nil>
}

// A server that sends no ETag cannot tell versions apart. Nothing is written.
func ExampleUpdate_incorrect() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"free":2}`) // incorrect: nothing around it that tags it
	}))
	defer server.Close()

	_, _, err := etag.Update(context.Background(), nil, server.URL, func(plane *map[string]any) error {
		(*plane)["free"] = 1
		return nil
	})
	fmt.Println(errors.Is(err, etag.ErrNoTag))
	fmt.Println(err)
	// Output:
	// true
	// etag: update: read (writes sent: 0): etag: the server sends no ETag with this resource
}

// planes is a server with one document, around which stands a layer.
func planes(doc string) *httptest.Server {
	layer, err := etag.New(etag.Config{Require: func(*http.Request) bool { return true }})
	if err != nil {
		panic(err)
	}
	return httptest.NewServer(layer.Handler(http.HandlerFunc((&shelf{doc: doc}).serve)))
}
