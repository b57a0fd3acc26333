package idempotency

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKey(t *testing.T) {
	t.Run("BareAndQuotedAreOneKey", func(t *testing.T) {
		const id = "8e03978e-40d5-43dd-bc93-6894a57f9324"
		for name, field := range map[string]string{
			"bare":                               id,
			"quoted":                             `"` + id + `"`,
			"quoted with parameters":             `"` + id + `";a=1;b`,
			"bare between blanks":                " \t" + id + "\t ",
			"quoted between blanks":              " \t\"" + id + "\"\t ",
			"quoted with parameters and a blank": `"` + id + `";  a `,
		} {
			key, err := parseKey([]string{field}, false)
			require.NoError(t, err, name)
			assert.Equal(t, id, key, name)
		}
	})
	t.Run("TwoFieldLines", func(t *testing.T) {
		for name, lines := range map[string][]string{
			"different":             {"a", "b"},
			"the same twice":        {"a", "a"},
			"an empty one behind":   {"a", ""},
			"an empty one in front": {"", `"a"`},
			"two empty ones":        {"", ""},
			"a thousand":            make([]string, 1000),
		} {
			for _, strict := range []bool{false, true} {
				key, err := parseKey(lines, strict)
				require.Error(t, err, name)
				assert.Empty(t, key, name)
				if len(lines) > 1 {
					assert.Equal(t, errKeyTwice, err, name)
				}
			}
		}
	})
	t.Run("EmptyField", func(t *testing.T) {
		for name, lines := range map[string][]string{
			"no character":             {""},
			"blanks":                   {" \t "},
			"quotes around nothing":    {`""`},
			"the same with parameters": {`"";a=1`},
			"no field":                 {},
		} {
			for _, strict := range []bool{false, true} {
				_, err := parseKey(lines, strict)
				assert.Equal(t, errKeyEmpty, err, name)
			}
		}
	})
	t.Run("KeyOf255And256", func(t *testing.T) {
		for name, form := range map[string]func(characters int) string{
			"bare":    func(n int) string { return strings.Repeat("k", n) },
			"quoted":  func(n int) string { return `"` + strings.Repeat("k", n) + `"` },
			"blanks":  func(n int) string { return `"` + strings.Repeat(" ", n) + `"` },
			"escaped": func(n int) string { return `"` + strings.Repeat(`\"`, n) + `"` },
			"mixed":   func(n int) string { return `"` + strings.Repeat(`k`, n-1) + `\\";p` },
			"padded":  func(n int) string { return strings.Repeat(" ", 1000) + strings.Repeat("k", n) },
		} {
			key, err := parseKey([]string{form(255)}, false)
			require.NoError(t, err, name)
			assert.Len(t, key, 255, name)
			key, err = parseKey([]string{form(256)}, false)
			assert.Equal(t, errKeyTooLong, err, name)
			assert.Empty(t, key, name)
		}
	})
	t.Run("ControlAndNonASCII", func(t *testing.T) {
		forms := []struct {
			name, before, behind string
			edge                 bool // of the value, where a tab is whitespace
		}{
			{"in front of a bare key", "", "a", true},
			{"in a bare key", "a", "b", false},
			{"behind a bare key", "a", "", true},
			{"in front of the quotes", "", `"a"`, true},
			{"in quotes", `"a`, `b"`, false},
			{"behind a backslash", `"a\`, `"`, false},
			{"behind the quotes", `"a"`, "", true},
			{"in front of a parameter", `"a";`, "p", false},
			{"behind a parameter", `"a";p`, "", true},
			{"in the string of a parameter", `"a";p="`, `"`, false},
			{"in the display string of a parameter", `"a";p=%"`, `"`, false},
		}
		for c := range 256 {
			if ' ' <= c && c <= '~' {
				continue
			}
			for _, form := range forms {
				field := form.before + string([]byte{byte(c)}) + form.behind
				key, err := parseKey([]string{field}, false)
				if c == '\t' && form.edge {
					require.NoError(t, err, form.name)
					assert.Equal(t, "a", key, form.name)
					continue
				}
				require.Error(t, err, "%q %s", c, form.name)
				assert.Empty(t, key, form.name)
			}
		}
	})
}

func TestKeyIs(t *testing.T) {
	tests := []struct {
		name, field, key string
	}{
		{"one character", `k`, `k`},
		{"one quoted character", `"k"`, `k`},
		{"all that is visible and may stand bare", "!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~", "!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~"},
		{"a blank in quotes", `" a b "`, ` a b `},
		{"what may stand in quotes alone", `"a,b;c"`, `a,b;c`},
		{"an escaped quote", `"a\"b"`, `a"b`},
		{"an escaped backslash", `"a\\b"`, `a\b`},
		{"an escaped backslash at the end", `"a\\"`, `a\`},
		{"escapes side by side", `"\\\"\\"`, `\"\`},
		{"upper and lower case, which are different", `"Aa"`, `Aa`},
		{"what looks like another type of item", `:YQ==:`, `:YQ==:`},
		{"what looks like percent-encoding", `%61`, `%61`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key, err := parseKey([]string{test.field}, false)
			require.NoError(t, err)
			assert.Equal(t, test.key, key)
			key, err = parseKey([]string{test.field}, true)
			if test.field[0] == '"' {
				require.NoError(t, err)
				assert.Equal(t, test.key, key)
			} else {
				assert.Equal(t, errKeyUnquoted, err)
				assert.Empty(t, key)
			}
		})
	}
}

func TestKeyRefuses(t *testing.T) {
	tests := []struct {
		name, field string
		reason      error
	}{
		{"a quote inside a bare key", `a"b`, errKeyCharacter},
		{"a quote behind a bare key", `a"`, errKeyCharacter},
		{"a comma in a bare key", `a,b`, errKeyCharacter},
		{"a semicolon in a bare key", `a;b`, errKeyCharacter},
		{"a backslash in a bare key", `a\b`, errKeyCharacter},
		{"a blank in a bare key", `a b`, errKeyCharacter},
		{"parameters behind a bare key", `a;p=1`, errKeyCharacter},
		{"one quote", `"`, errKeyString},
		{"no closing quote", `"abc`, errKeyString},
		{"a closing quote that is escaped", `"abc\"`, errKeyString},
		{"a backslash that escapes a letter", `"a\bc"`, errKeyString},
		{"a backslash that escapes nothing", `"abc\`, errKeyString},
		{"text behind the quotes", `"abc"d`, errKeyParameters},
		{"a second string", `"abc""d"`, errKeyParameters},
		{"a list of two", `"abc", "d"`, errKeyParameters},
		{"a blank before the semicolon", `"abc" ;p`, errKeyParameters},
		{"the whole field too long", `"abc"` + strings.Repeat(";p", 2<<10), errKeyField},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				key, err := parseKey([]string{test.field}, strict)
				if strict && errors.Is(test.reason, errKeyCharacter) {
					assert.Equal(t, errKeyUnquoted, err)
				} else {
					assert.Equal(t, test.reason, err)
				}
				assert.Empty(t, key)
				assert.NotContains(t, err.Error(), "abc", "errors do not echo the key")
			}
		})
	}
}

// TestKeyParameters goes through section 4.2.3 of RFC 9651. Nothing is made of
// parameters, but what is not well-formed may be a key cut short on its way.
func TestKeyParameters(t *testing.T) {
	for name, parameters := range map[string]string{
		"a key alone":                           `;a`,
		"several":                               `;a;b=1;c="x"`,
		"one that comes twice":                  `;a=1;a=2`,
		"blanks behind the semicolon":           `;   a=1`,
		"a key of all characters":               `;*a0_-.*`,
		"an integer":                            `;a=0;b=-1;c=999999999999999`,
		"an integer with zeros":                 `;a=007;b=-0`,
		"a decimal":                             `;a=1.0;b=-0.125;c=999999999999.999`,
		"a string":                              `;a="";b="a;b\"\\"`,
		"a token":                               `;a=x;b=*;c=A/b:c!#$%&'*+-.^_` + "`|~9",
		"bytes":                                 `;a=::;b=:YQ==:;c=:YWI=:;d=:+/aZ:`,
		"bytes without padding":                 `;a=:YQ:;b=:YWI:`,
		"bytes whose last bits count for none":  `;a=:YR==:`,
		"a boolean":                             `;a=?0;b=?1`,
		"a date":                                `;a=@1659578233;b=@-1`,
		"a display string":                      `;a=%"";b=%"a \ b"`,
		"a display string with percent-coding":  `;a=%"%c3%bc %f0%9f%92%a9 %00 %25"`,
		"a display string with a percent quote": `;a=%"%22"`,
	} {
		t.Run(name, func(t *testing.T) {
			key, err := parseKey([]string{`"abc"` + parameters}, true)
			require.NoError(t, err)
			assert.Equal(t, "abc", key)
		})
	}
	for name, parameters := range map[string]string{
		"a semicolon alone":                     `;`,
		"two semicolons":                        `;;a`,
		"a semicolon at the end":                `;a;`,
		"a tab behind the semicolon":            ";\ta",
		"a key in upper case":                   `;A`,
		"a key that begins with a digit":        `;1a`,
		"a key that begins with a dash":         `;-a`,
		"upper case further on":                 `;aA`,
		"a blank before the equals sign":        `;a =1`,
		"a blank behind the equals sign":        `;a= 1`,
		"no value":                              `;a=`,
		"no key":                                `;=1`,
		"two values":                            `;a=1=2`,
		"an inner list":                         `;a=(1 2)`,
		"a blank between parameters":            `;a ;b`,
		"a comma":                               `;a=1,b`,
		"a sign alone":                          `;a=-`,
		"a plus":                                `;a=+1`,
		"sixteen digits":                        `;a=1000000000000000`,
		"no digit behind the point":             `;a=1.`,
		"no digit before the point":             `;a=.5`,
		"four digits behind the point":          `;a=1.0000`,
		"thirteen digits before the point":      `;a=1000000000000.0`,
		"two points":                            `;a=1.0.0`,
		"a letter behind a number":              `;a=1a`,
		"a string without an end":               `;a="x`,
		"a string with another escape":          `;a="\x"`,
		"bytes without an end":                  `;a=:YQ==`,
		"one character of base64":               `;a=:A:`,
		"five characters of base64":             `;a=:AAAAA:`,
		"padding alone":                         `;a=:=:`,
		"four characters of padding":            `;a=:====:`,
		"half of the padding":                   `;a=:YQ=:`,
		"too much padding":                      `;a=:YWI==:`,
		"padding behind what needs none":        `;a=:YWJj=:`,
		"padding inside":                        `;a=:Y=Q=:`,
		"base64url":                             `;a=:-_aZ:`,
		"a blank in bytes":                      `;a=:YQ ==:`,
		"another boolean":                       `;a=?2`,
		"a question mark alone":                 `;a=?`,
		"a boolean in words":                    `;a=?true`,
		"a date with a fraction":                `;a=@1.5`,
		"an at sign alone":                      `;a=@`,
		"a percent sign alone":                  `;a=%`,
		"a display string without quotes":       `;a=%a`,
		"a display string without an end":       `;a=%"a`,
		"percent-encoding in upper case":        `;a=%"%C3%BC"`,
		"half of a percent-encoded octet":       `;a=%"%c"`,
		"percent-encoding that is cut off":      `;a=%"%c`,
		"a display string that is not UTF-8":    `;a=%"%ff"`,
		"a surrogate":                           `;a=%"%ed%a0%80"`,
		"half of a character":                   `;a=%"%c3"`,
		"a backslash that escapes no quote":     `;a=%"\""`,
		"text behind a value":                   `;a="x"y`,
		"a value of no type":                    `;a=~`,
		"a parameter that does not start right": `a=1`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseKey([]string{`"abc"` + parameters}, true)
			assert.Equal(t, errKeyParameters, err)
		})
	}
}

func TestKeysAllocateNothing(t *testing.T) {
	for name, field := range map[string]string{
		"a bare key":             "8e03978e-40d5-43dd-bc93-6894a57f9324",
		"a quoted key":           `"8e03978e-40d5-43dd-bc93-6894a57f9324"`,
		"parameters":             `"8e03978e";a=1;b="x";c=:YQ==:;d`,
		"what is refused":        `"8e03978e`,
		"a mebibyte of brackets": strings.Repeat(`"`, 1<<20),
	} {
		lines := []string{field}
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = parseKey(lines, false) }), name)
	}
}

func BenchmarkParseKey(b *testing.B) {
	for _, bench := range []struct{ name, field string }{
		{"bare", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
		{"quoted", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`},
		{"escaped", `"8e03978e-40d5-43dd-bc93-6894a57f93\"\\"`},
		{"hostile/parameters", `"a"` + strings.Repeat(";a", maxKeyField/2-2)},
		{"hostile/string", `"` + strings.Repeat(`\"`, maxKeyField/2-1) + `"`},
		{"hostile/colons", `"a"` + strings.Repeat(";a=::", maxKeyField/5-1)},
		{"hostile/display", `"a";a=%"` + strings.Repeat("%00", maxKeyField/3-4) + `"`},
		{"hostile/mebibyte", strings.Repeat(`"`, 1<<20)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			lines := []string{bench.field}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = parseKey(lines, false)
			}
		})
	}
}
