package problem

import (
	"encoding/json"
	"strconv"
)

// fill sets what members say, and leaves out what they cannot mean.
func (p *Problem) fill(members map[string]json.RawMessage) {
	var ours bool
	for name, raw := range members {
		v := value(raw)
		switch v := v.(type) {
		case string:
			p.setText(name, v)
		case bool:
			if name == "retryable" {
				p.Retryable, ours = v, true
			}
		case json.Number:
			if name == "status" {
				p.setStatus(v)
			}
		}
		if !isOwnMember(name) {
			if p.Extensions == nil {
				p.Extensions = make(map[string]any)
			}
			p.Extensions[name] = v
		}
	}
	if ours {
		p.Kind = kindIn(p.Type)
	}
}

// isOwnMember is isStandard for names that come from outside: to read "Status" as
// "status" would be to guess, so it is an extension.
func isOwnMember(name string) bool {
	switch name {
	case "type", "title", "status", "detail", "instance", "retryable":
		return true
	}
	return false
}

func (p *Problem) setText(name, v string) {
	switch name {
	case "type":
		p.Type = v
	case "title":
		p.Title = v
	case "detail":
		p.Detail = v
	case "instance":
		p.Instance = v
	}
}

func (p *Problem) setStatus(n json.Number) {
	if status, err := strconv.Atoi(n.String()); err == nil && isErrorStatus(status) {
		p.Status = status
	}
}

// kindIn is the last part of a type: what follows the last character that kinds do
// not have, whatever the server's TypeBase ends with.
func kindIn(typeURI string) Kind {
	if typeURI == blankType {
		return ""
	}
	begin := len(typeURI)
	for begin > 0 && isKindCharacter(typeURI[begin-1]) {
		begin--
	}
	return Kind(typeURI[begin:])
}

func isKindCharacter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// value decodes a member one level deep, so that what a hostile answer costs is
// bounded by its length.
func value(raw json.RawMessage) any {
	switch raw[0] {
	case '{', '[':
		return raw
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s) // raw is valid JSON: it was unmarshalled before
		return s
	case 't', 'f':
		return raw[0] == 't'
	case 'n':
		return nil
	}
	return json.Number(raw)
}
