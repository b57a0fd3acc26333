package docs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/rs/cors"

	"github.com/concordhttp/concord"
)

// The code of docs/browsers.md.

// crossOrigin lets pages of one origin, such as https://app.example, use the API. It goes outside of
// authentication, since a preflight has no credentials, and outside of the Stack,
// so that its fields are on refusals and replays too.
func crossOrigin(origin string, stack *concord.Stack, authenticate func(http.Handler) http.Handler, mux http.Handler) http.Handler {
	pages := cors.New(cors.Options{
		AllowedOrigins:   []string{origin},
		AllowedMethods:   []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "LOCK", "UNLOCK"},
		AllowedHeaders:   append(concord.CORSRequestFields(), "Authorization", "Content-Type"),
		ExposedHeaders:   concord.CORSResponseFields(),
		AllowCredentials: true,
		MaxAge:           600, // seconds
	})
	return pages.Handler(authenticate(stack.Handler(mux)))
}

// signedIn is authentication by Basic credentials.
func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := customer(r); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func note(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("Buy milk.")) }

// fromPage sends a request as a browser does for a page of https://app.example.
func fromPage(h http.Handler, method string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/notes/1", http.NoBody)
	r.Header.Set("Origin", "https://app.example")
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	if method != http.MethodOptions {
		r.SetBasicAuth("ann", "")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A page may send what Concord reads, and reads what Concord says, on a refusal
// as well.
func Example_cors() {
	stack, err := concord.New(concord.Config{Principal: customer})
	if err != nil {
		panic(err)
	}
	h := crossOrigin("https://app.example", stack, signedIn, http.HandlerFunc(note))

	wanted := strings.ToLower(strings.Join(concord.CORSRequestFields(), ","))
	asked := fromPage(h, "OPTIONS", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", wanted)
	fmt.Println(asked.Code, asked.Header().Get("Access-Control-Allow-Headers") == wanted)

	stale := fromPage(h, "PUT", "If-Match", `"stale"`)
	fmt.Println(stale.Code, stale.Header().Get("Access-Control-Allow-Origin"))
	fmt.Println(stale.Header().Get("Access-Control-Expose-Headers"))
	// Output:
	// 204 true
	// 412 https://app.example
	// Cache-Status, Etag, Idempotency-Replayed, Link, Location, Lock-Token, Preference-Applied, Retry-After, Timeout
}

// Inside of the Stack, CORS does not see what the Stack answers by itself: the
// page is told of a network error, and never learns of the conflict.
func Example_corsIncorrect() {
	stack, err := concord.New(concord.Config{Principal: customer})
	if err != nil {
		panic(err)
	}
	pages := cors.New(cors.Options{AllowedOrigins: []string{"https://app.example"}, AllowedHeaders: concord.CORSRequestFields()})
	h := stack.Handler(pages.Handler(http.HandlerFunc(note))) // incorrect

	stale := fromPage(h, "PUT", "If-Match", `"stale"`)
	fmt.Printf("%d %q\n", stale.Code, stale.Header().Get("Access-Control-Allow-Origin"))
	// Output:
	// 412 ""
}

// describe adds what Concord answers with to the OpenAPI document of a server.
// What the document has by itself it keeps.
func describe(document map[string]any) error {
	var ours struct{ Components map[string]map[string]any }
	if err := json.Unmarshal(concord.OpenAPI(), &ours); err != nil {
		return err
	}
	components, _ := document["components"].(map[string]any)
	if components == nil {
		components = map[string]any{}
		document["components"] = components
	}
	for section, added := range ours.Components {
		own, _ := components[section].(map[string]any)
		maps.Copy(added, own)
		components[section] = added
	}
	return nil
}

func Example_openAPI() {
	document := map[string]any{"components": map[string]any{"schemas": map[string]any{"Note": "the server's own"}}}
	if err := describe(document); err != nil {
		panic(err)
	}
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	responses, _ := components["responses"].(map[string]any)
	fmt.Println(schemas["Note"])
	fmt.Println(slices.Sorted(maps.Keys(responses)))
	// Output:
	// the server's own
	// [Problem400 Problem409 Problem412 Problem413 Problem422 Problem423 Problem428 Problem500 Problem503]
}
