package collapse_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/concordhttp/concord/middleware/collapse"
)

func ExampleLayer_Handler() {
	layer, err := collapse.New(collapse.Config{})
	if err != nil {
		panic(err)
	}
	runs := 0
	report := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		runs++ // one at a time
		time.Sleep(200 * time.Millisecond)
		_, _ = io.WriteString(w, "a slow report")
	})
	server := httptest.NewServer(layer.Handler(report))
	defer server.Close()

	var dashboards sync.WaitGroup
	for range 20 {
		dashboards.Go(func() {
			if resp, err := http.Get(server.URL + "/reports/1"); err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	dashboards.Wait()
	fmt.Println("runs:", runs)
	// Output: runs: 1
}

// A handler that tells callers apart by what is no field, such as the address,
// must not be wrapped without a Principal that says so: here a guest gets what
// the office may see.
func ExampleLayer_Handler_incorrect() {
	layer, err := collapse.New(collapse.Config{}) // incorrect: no Principal
	if err != nil {
		panic(err)
	}
	begun, guestCame := make(chan struct{}), make(chan struct{})
	h := layer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-guestCame
		_, _ = io.WriteString(w, "prices for "+r.RemoteAddr)
	}))
	ask := func(address string) string {
		r := httptest.NewRequest("GET", "/prices", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	go ask("the office")
	<-begun
	time.AfterFunc(200*time.Millisecond, func() { close(guestCame) })
	fmt.Println(ask("a guest"))
	// Output: prices for the office
}

func ExampleConfig() {
	layer, err := collapse.New(collapse.Config{
		// Whom the session belongs to. Two tabs of one user share.
		Principal: func(r *http.Request) (string, error) { return "ann", nil },
		// Then these tell nobody apart any more.
		Neutral: []string{"Authorization", "Cookie"},
	})
	fmt.Println(layer != nil, err)

	_, err = collapse.New(collapse.Config{Neutral: []string{"Cookie"}, MaxWait: -1})
	fmt.Println(err)
	// Output:
	// true <nil>
	// config: collapse.Config.Neutral is Cookie: tells callers apart, so it can be neutral only where Principal does so in its place
	// config: collapse.Config.MaxWait is -1ns: must not be negative
}
