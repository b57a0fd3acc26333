package problem

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAcceptDecidesTheForm(t *testing.T) {
	for name, c := range map[string]struct {
		accept []string
		want   form
	}{
		"no field":                              {nil, formJSON},
		"empty field":                           {[]string{""}, formJSON},
		"anything":                              {[]string{"*/*"}, formJSON},
		"problem+json":                          {[]string{"application/problem+json"}, formJSON},
		"json is problem+json":                  {[]string{"application/json, text/html;q=0.9"}, formJSON},
		"any application":                       {[]string{"application/*, text/html;q=0.9"}, formJSON},
		"html":                                  {[]string{"text/html"}, formHTML},
		"text":                                  {[]string{"text/plain"}, formText},
		"a browser":                             {[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}, formHTML},
		"a tie goes to JSON":                    {[]string{"text/html, application/json"}, formJSON},
		"a tie of the others goes to HTML":      {[]string{"text/plain, text/html"}, formHTML},
		"weights decide":                        {[]string{"text/html;q=0.3, text/plain;q=0.301, application/json;q=0.2"}, formText},
		"the more specific range counts":        {[]string{"text/*;q=0.9, text/html;q=0.1, application/json;q=0.5"}, formText},
		"the exclusion counts":                  {[]string{"text/*, text/html;q=0, */*;q=0.1"}, formText},
		"JSON excluded, anything else will do":  {[]string{"application/*;q=0, */*"}, formHTML},
		"one of JSON's two names is enough":     {[]string{"application/problem+json;q=0, application/json, text/html;q=0.5"}, formJSON},
		"nothing that can be had":               {[]string{"image/png, application/hal+json"}, formJSON},
		"everything excluded":                   {[]string{"*/*;q=0"}, formJSON},
		"case does not matter":                  {[]string{"TEXT/HTML;Q=1, application/json;q=0.9"}, formHTML},
		"all lines count":                       {[]string{"application/json;q=0.1", "text/plain"}, formText},
		"blanks and empty elements":             {[]string{" ,\t, text/html ;\tq=0.5 ,, "}, formHTML},
		"parameters are passed over":            {[]string{"text/html;charset=utf-8;level=1;q=0.4, application/json;q=0.5"}, formJSON},
		"a comma in a quoted string":            {[]string{`text/html;x="a,application/json;q=1,\",b";q=0.5, text/plain;q=0.4`}, formHTML},
		"what follows the weight":               {[]string{"text/html;q=0.5;q=0, text/plain;q=0.4"}, formHTML},
		"a weight of four digits is malformed":  {[]string{"text/html;q=0.9999"}, formJSON},
		"a weight over one is malformed":        {[]string{"text/html;q=1.001"}, formJSON},
		"a weight without a digit is malformed": {[]string{"text/html;q=.9"}, formJSON},
		"an empty weight is malformed":          {[]string{"text/html;q="}, formJSON},
		"half a range is malformed":             {[]string{"text, */html, text/, /html, *"}, formJSON},
		"half a wildcard is malformed":          {[]string{"*/html, text/plain;q=0.5"}, formText},
		"a malformed element spoils no other":   {[]string{"te xt/html, text/plain"}, formText},
		"an open quote ends the list":           {[]string{`text/plain;x=", text/html`}, formText},
		"a field of 4 KiB is read":              {[]string{"text/html," + strings.Repeat(",", maxAccept-10)}, formHTML},
		"a longer one is not":                   {[]string{"text/html," + strings.Repeat(",", maxAccept-9)}, formJSON},
		"nor are many lines":                    {strings.Split(strings.Repeat("text/html\n", maxAccept/9+1), "\n"), formJSON},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, preferred(c.accept)) })
	}
}

func TestNegotiatedFormIsSentAndVaries(t *testing.T) {
	for accept, contentType := range map[string]string{
		"":           "application/problem+json",
		"text/html":  "text/html; charset=utf-8",
		"text/plain": "text/plain; charset=utf-8",
	} {
		r := httptest.NewRequest("GET", "/", http.NoBody)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Origin")
		Negotiate(w, r, New(KindResourceBusy, "Another write is under way."))
		assert.Equal(t, contentType, w.Header().Get("Content-Type"))
		assert.Equal(t, []string{"Origin", "Accept"}, w.Header().Values("Vary"))
		assert.Contains(t, w.Body.String(), "Another write is under way.")
	}
	for _, standing := range []string{"*", "origin , accept"} {
		w := httptest.NewRecorder()
		w.Header().Set("Vary", standing)
		Negotiate(w, httptest.NewRequest("GET", "/", http.NoBody), New(KindResourceBusy, ""))
		assert.Equal(t, []string{standing}, w.Header().Values("Vary"))
	}
}

func TestPolicyOfTheServerStays(t *testing.T) {
	r := httptest.NewRequest("GET", "/", http.NoBody)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "default-src 'self'")
	Negotiate(w, r, New(KindDuplicate, ""))
	assert.Equal(t, []string{"default-src 'self'"}, w.Header().Values("Content-Security-Policy"))
}

func TestReadingAcceptAllocatesNothing(t *testing.T) {
	accept := []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
	assert.Zero(t, testing.AllocsPerRun(100, func() { preferred(accept) }))
}

func TestRetryAdvice(t *testing.T) {
	p := New(KindLocked, "")
	assert.Equal(t, "The same request can succeed in 1 second.", retryAdvice(p))
	p.Header.Set("Retry-After", "30")
	assert.Equal(t, "The same request can succeed in 30 seconds.", retryAdvice(p))
	p.Header.Set("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")
	assert.Equal(t, "The same request can succeed after Sun, 06 Nov 1994 08:49:37 GMT.", retryAdvice(p))
	assert.Equal(t, "Sending the same request again does not help by itself.", retryAdvice(New(KindDuplicate, "")))
}

// slowPreferred is preferred written the other way round, for fields without
// quoted strings: each offer looks for its range.
func slowPreferred(accept string) form {
	weigh := func(mainType, subType string) float64 {
		for _, rng := range []string{mainType + "/" + subType, mainType + "/*", "*/*"} {
			found, best := false, 0.0
			for _, element := range strings.Split(accept, ",") {
				parameters := strings.Split(element, ";")
				if !strings.EqualFold(strings.Trim(parameters[0], " \t"), rng) {
					continue
				}
				weight := 1.0
				for _, p := range parameters[1:] {
					key, value, _ := strings.Cut(strings.Trim(p, " \t"), "=")
					if strings.EqualFold(key, "q") {
						weight = slowWeight(value)
						break
					}
				}
				if weight >= 0 {
					found, best = true, max(best, weight)
				}
			}
			if found {
				return best
			}
		}
		return 0
	}
	json := max(weigh("application", "problem+json"), weigh("application", "json"))
	html, text := weigh("text", "html"), weigh("text", "plain")
	switch {
	case html > json && html >= text:
		return formHTML
	case text > json:
		return formText
	}
	return formJSON
}

// slowWeight is negative for what is malformed.
func slowWeight(s string) float64 {
	if s == "" || len(s) > 5 || s[0] != '0' && s[0] != '1' || len(s) > 1 && s[1] != '.' || strings.Trim(s, "0123456789.") != "" {
		return -1
	}
	weight, err := strconv.ParseFloat(s, 64)
	if err != nil || weight > 1 {
		return -1
	}
	return weight
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{
		"", "*/*", "text/html;q=0.5,*/*;q=0.4", "text/*;q=0,text/html", "application/json ; Q=0.30,text/plain",
		`text/html;x="a,b";q=1`, "text/html;q=1.000,text/plain;q=1.001", ",,;q=1,/,", "text/plain;q=0.5.5", "text/html;q=0.", "text/html;q",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got := preferred([]string{accept})
		if len(accept) > maxAccept {
			if got != formJSON {
				t.Fatalf("%d bytes were read", len(accept))
			}
			return
		}
		if strings.ContainsRune(accept, '"') {
			return // only that it ends
		}
		if want := slowPreferred(accept); got != want {
			t.Fatalf("Accept: %q: form %d, should be %d", accept, got, want)
		}
		if lines := preferred(strings.Split(accept, ",")); lines != got {
			t.Fatalf("Accept: %q: form %d, but %d when each element has a line", accept, got, lines)
		}
	})
}
