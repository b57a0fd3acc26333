package main

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The drill is worth what its judge sees.
func TestTheJudgeSees(t *testing.T) {
	one, two := newPayment(Order{"o", 1, "EUR"}), newPayment(Order{"o", 1, "EUR"})
	paid, unknown := outcome{one, true}, outcome{}
	for _, c := range []struct {
		name  string
		mode  mode
		told  outcome
		made  []Payment
		wrong string
	}{
		{"a charge for an answer", transactional, paid, []Payment{one}, ""},
		{"two charges", transactional, paid, []Payment{one, two}, "charged 2 times"},
		{"none", transactional, paid, nil, "charged 0 times"},
		{"an answer that is unknown", transactional, unknown, []Payment{one}, "outcome-unknown"},
		{"an answer about another charge", transactional, paid, []Payment{two}, "not what was charged"},
		{"a charge for an answer", refuse, paid, []Payment{one}, ""},
		{"two charges", refuse, paid, []Payment{one, two}, "charged 2 times"},
		{"two charges and an answer that is unknown", refuse, unknown, []Payment{one, two}, "charged 2 times"},
		{"an unknown charge", refuse, unknown, []Payment{one}, ""},
		{"an unknown one that was not made", refuse, unknown, nil, ""},
		{"an answer without a charge", refuse, paid, nil, "never charged"},
		{"two charges, as it may", rerun, paid, []Payment{two, one}, ""},
		{"an answer without a charge", rerun, paid, nil, "never charged"},
		{"an answer that is unknown", rerun, unknown, []Payment{one}, "outcome-unknown"},
	} {
		t.Run(string(c.mode)+": "+c.name, func(t *testing.T) {
			s := &shop{answers: map[string]outcome{"o": c.told}}
			err := s.judge(map[string][]Payment{"o": c.made}, c.mode, 0, io.Discard)
			if c.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.wrong)
		})
	}
	require.Error(t, (&shop{}).judge(nil, refuse, 0, io.Discard), "nothing was tried")
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	for _, c := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"-mode", "maybe"}, "there is transactional, refuse and rerun"},
		{[]string{"now"}, `what is "now"?`},
		{[]string{"-store", "papyrus:scroll"}, "store papyrus: it is one of memory, sqlite:FILE"},
		{[]string{"-store", "memory"}, "-mode transactional wants a database"},
		{[]string{"-store", "sqlite:"}, "wants the name of a file"},
		{[]string{"-store", "mysql://ann:secret@nowhere:%zz/"}, "store mysql: this is no URL"},
		{[]string{"-store", "redis://:secret%zz@nowhere"}, "store redis: this is no URL"},
		{[]string{"-store", "nats://ann:secret%zz@nowhere"}, "store nats: this is no URL"},
		{[]string{"-store", "host=nowhere password=secret"}, "store ?: it is one of"},
		{[]string{"-store", "mysql://ann:secret@nowhere/?tls=true"}, `there is no parameter "tls"`},
	} {
		var stderr bytes.Buffer
		assert.Equal(t, 1, run(t.Context(), c.args, io.Discard, &stderr), c.args)
		assert.Contains(t, stderr.String(), c.stderr)
		assert.NotContains(t, stderr.String(), "secret")
	}
}

// Two answers to one order say the same, or one of them that nobody knows: that
// only where the store may have been away.
func TestAnswersThatGoTogether(t *testing.T) {
	one, two := outcome{newPayment(Order{"o", 1, "EUR"}), true}, outcome{newPayment(Order{"o", 1, "EUR"}), true}
	unknown := outcome{}
	for _, c := range []struct {
		first, second outcome
		told          outcome
		always, ever  bool
	}{
		{one, one, one, true, true},
		{unknown, unknown, unknown, true, true},
		{one, unknown, one, false, true},
		{unknown, one, one, false, true},
		{one, two, one, false, false},
	} {
		_, possible := (&shop{}).joined(c.first, c.second)
		assert.Equal(t, c.always, possible, "%v", c)
		told, possible := (&shop{forgetful: true}).joined(c.first, c.second)
		assert.Equal(t, c.ever, possible, "%v", c)
		assert.Equal(t, c.told, told, "%v", c)
	}
}
