package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// merged returns what the page makes of three versions of a text, each line one
// letter: a conflict is [mine|theirs].
func (p *tab) merged(base, mine, theirs string) string {
	p.t.Helper()
	return evaluate[string](p, fmt.Sprintf(`mergeLines([...%s], [...%s], [...%s])
		.map(c => c.lines ? c.lines.join("") : "[" + c.mine.join("") + "|" + c.theirs.join("") + "]").join("")`,
		quoted(base), quoted(mine), quoted(theirs)))
}

func merging(t *testing.T, b browser) {
	page := open(t, b, newPageServer(t).base, "ann")
	for _, c := range []struct{ name, base, mine, theirs, want string }{
		{"nothing", "", "", "", ""},
		{"no change", "abc", "abc", "abc", "abc"},
		{"mine alone", "abc", "axc", "abc", "axc"},
		{"theirs alone", "abc", "abc", "abx", "abx"},
		{"far apart", "abcde", "xbcde", "abcdy", "xbcdy"},
		{"one line between", "abc", "xbc", "aby", "xby"},
		{"side by side, where nothing keeps them apart", "ab", "xb", "ay", "[xb|ay]"},
		{"the same line", "abc", "axc", "ayc", "a[x|y]c"},
		{"the same change", "abc", "axc", "axc", "axc"},
		{"insertions in two places", "abc", "axbc", "abyc", "axbyc"},
		{"insertions in one place", "ab", "axb", "ayb", "a[x|y]b"},
		{"at the end", "a", "ax", "ay", "a[x|y]"},
		{"deleted by me", "abc", "ac", "abc", "ac"},
		{"deleted by me, changed by them", "abc", "ac", "axc", "a[|x]c"},
		{"deleted by both", "abc", "ac", "ac", "ac"},
		{"all replaced by both", "abc", "x", "y", "[x|y]"},
		{"from nothing", "", "x", "y", "[x|y]"},
		{"lines that are alike", "aaa", "aaba", "aaa", "aaba"},
		{"a line that moved", "abc", "bca", "abc", "bca"},
	} {
		if got := page.merged(c.base, c.mine, c.theirs); got != c.want {
			t.Errorf("%s: %q and %q made of %q give %q; want %q", c.name, c.mine, c.theirs, c.base, got, c.want)
		}
	}
	t.Run("at random", func(t *testing.T) { mergingAtRandom(t, page) })
	t.Run("documents", func(t *testing.T) { mergingDocuments(t, page) })
}

// Whatever the texts are: a side that changed nothing adds nothing, and it does
// not matter who is who.
func mergingAtRandom(t *testing.T, page *tab) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	text := func() string {
		var b strings.Builder
		for range random.IntN(7) {
			b.WriteByte("abc"[random.IntN(3)])
		}
		return b.String()
	}
	for range 60 {
		base, mine, theirs := text(), text(), text()
		if got := page.merged(base, mine, base); got != mine {
			t.Errorf("%q alone, made of %q, gives %q", mine, base, got)
		}
		if got := page.merged(base, base, theirs); got != theirs {
			t.Errorf("%q of theirs alone, made of %q, gives %q", theirs, base, got)
		}
		if got := page.merged(base, mine, mine); got != mine {
			t.Errorf("%q made twice of %q gives %q", mine, base, got)
		}
		here, there := page.merged(base, mine, theirs), swapped(page.merged(base, theirs, mine))
		if here != there {
			t.Errorf("%q and %q made of %q give %q; the other way round %q", mine, theirs, base, here, there)
		}
	}
}

// swapped returns a merge with the sides of each conflict changed.
func swapped(merge string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(merge, "[") {
		sides, rest, conflict := strings.Cut(part, "]")
		if !conflict {
			out.WriteString(part)
			continue
		}
		two := strings.Split(sides, "|")
		slices.Reverse(two)
		out.WriteString("[" + strings.Join(two, "|") + "]" + rest)
	}
	return out.String()
}

func mergingDocuments(t *testing.T, page *tab) {
	for _, c := range []struct{ name, base, mine, theirs, want string }{
		{
			"the title here, the text there",
			`{title: "A", body: "a"}`, `{title: "B", body: "a"}`, `{title: "A", body: "b"}`,
			`{"title":"B","body":"b"}`,
		},
		{
			"two titles", `{title: "A", body: ""}`, `{title: "B", body: ""}`, `{title: "C", body: ""}`, `null`,
		},
		{
			"a member that the page does not show is kept",
			`{title: "A", body: "a"}`, `{title: "B", body: "a"}`, `{title: "A", body: "a", folder: "1"}`,
			`{"title":"B","body":"a","folder":"1"}`,
		},
		{
			"who changed it is not merged",
			`{title: "A", body: "a", changed_by: "ann"}`, `{title: "A", body: "b"}`, `{title: "A", body: "a", changed_by: "bob"}`,
			`{"title":"A","body":"b"}`,
		},
		{
			"the ends of lines do not count",
			`{title: "A", body: "a\r\nb"}`, `{title: "A", body: "a\nb"}`, `{title: "A", body: "a\r\nc"}`,
			`{"title":"A","body":"a\nc"}`,
		},
		{
			"a text that was emptied", `{title: "A", body: "a"}`, `{title: "A", body: ""}`, `{title: "A", body: "a"}`,
			`{"title":"A","body":""}`,
		},
	} {
		got := evaluate[string](page, fmt.Sprintf("JSON.stringify(assemble(mergeDocuments(%s, %s, %s)))", c.base, c.mine, c.theirs))
		if got != c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
	}
	// Texts too long to be compared line by line are one chunk, and done at once.
	long := evaluate[string](page, `(() => {
		const lines = (word, n) => Array.from({length: n}, (_, i) => word + i);
		return mergeLines(lines("a", 5000), lines("b", 5000), lines("a", 5000)).map(c => c.kind).join();
	})()`)
	if long != "mine" {
		t.Errorf("of a long text that was written anew: %s", long)
	}
}
