package transcript

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// request is what a command of curl sends.
type request struct {
	method, target, body string
	fields               []string
}

// parse reads a command of curl with the options -i, -X, -u, -H and -d.
func parse(command string) (*request, error) {
	words, err := split(command)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 || words[0] != "curl" {
		return nil, fmt.Errorf("%s: is no command of curl", command)
	}
	var r request
	for words = words[1:]; len(words) > 0; words = words[1:] {
		option := words[0]
		if option == "-i" {
			continue
		}
		if option[0] != '-' {
			_, path, _ := strings.Cut(option, "/")
			r.target = "/" + path
			continue
		}
		if words = words[1:]; len(words) == 0 {
			return nil, fmt.Errorf("%s: %s has no value", command, option)
		}
		if !r.set(option, words[0]) {
			return nil, fmt.Errorf("%s: %s is not known here", command, option)
		}
	}
	if r.method == "" {
		r.method = http.MethodGet
		if r.body != "" {
			r.method = http.MethodPost
		}
	}
	return &r, nil
}

func (r *request) set(option, value string) bool {
	switch option {
	case "-X":
		r.method = value
	case "-u":
		r.fields = append(r.fields, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
	case "-H":
		r.fields = append(r.fields, value)
	case "-d":
		r.body = value
	default:
		return false
	}
	return true
}

// split splits a command at blanks, but for those in single quotes.
func split(command string) (words []string, err error) {
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	if strings.Count(command, "'")%2 == 1 {
		return nil, fmt.Errorf("%s: a quote is left open", command)
	}
	return words, nil
}

// wire is the request as it goes over the wire.
func (r *request) wire(host string) string {
	fields := append([]string{"Host: " + host, fmt.Sprintf("Content-Length: %d", len(r.body))}, r.fields...)
	return r.method + " " + r.target + " HTTP/1.1\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n" + r.body
}
