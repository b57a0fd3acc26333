package lock

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestJudge(t *testing.T) {
	mine, other := newToken(), newToken()
	ann, bob := digest{1}, digest{2}
	held := &standing{token: mine, owner: ann}
	for _, c := range []struct {
		name      string
		s         *standing
		presented *token
		owner     digest
		want      verdict
	}{
		{"no lock, no token", nil, nil, ann, free},
		{"no lock, a token", nil, &mine, ann, ended},
		{"the holder", held, &mine, ann, own},
		{"the holder's second tab", held, nil, ann, elsewhere},
		{"the holder's former lock", held, &other, ann, elsewhere},
		{"somebody else", held, nil, bob, foreign},
		{"somebody else's former lock", held, &other, bob, foreign},
		{"a leaked token", held, &mine, bob, foreign},
		{"a token without a principal", held, &mine, digest{}, foreign},
	} {
		assert.Equal(t, c.want, judge(c.s, c.presented, c.owner), c.name)
	}
}
