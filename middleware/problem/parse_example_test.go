package problem_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/concordhttp/concord/middleware/problem"
)

// A client asks which conflict it was, instead of guessing by the status.
func ExampleParse() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := problem.StateConflict("Seat 12 is taken.")
		p.Extensions = map[string]any{"free": []int{13, 14}}
		problem.JSON(w, r, p)
	}))
	defer server.Close()

	res, err := http.Post(server.URL, "application/json", nil)
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()

	p, err := problem.Parse(res)
	if err != nil {
		fmt.Println("a success, or an error in another form:", res.Status)
		return
	}
	switch p.Kind {
	case problem.KindStateConflict:
		var free []int
		if raw, ok := p.Extensions["free"].(json.RawMessage); ok {
			_ = json.Unmarshal(raw, &free)
		}
		fmt.Println(p.Detail, "Free:", free)
	default:
		fmt.Println(p, p.Retryable)
	}
	// Output: Seat 12 is taken. Free: [13 14]
}
