package problem_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestACompleteProblemHasAllThatIsSent(t *testing.T) {
	cause := errors.New("cause")
	for name, c := range map[string]struct {
		in         *problem.Problem
		out        problem.Problem // but for Instance
		retryAfter []string
	}{
		"nothing": {nil, problem.Problem{
			Kind: problem.KindInternal, Type: problem.DefaultTypeBase + "internal", Title: "The server failed", Status: 500,
			Detail: "The server met an error that it did not expect.",
		}, nil},
		"an internal one that says too much": {problem.New(problem.KindInternal, "password hunter2"), problem.Problem{
			Kind: problem.KindInternal, Type: problem.DefaultTypeBase + "internal", Title: "The server failed", Status: 500,
			Detail: "The server met an error that it did not expect.",
		}, nil},
		"a kind alone": {&problem.Problem{Kind: problem.KindResourceBusy, Err: cause}, problem.Problem{
			Kind: problem.KindResourceBusy, Type: problem.DefaultTypeBase + "resource-busy",
			Title: "The resource is busy with another write", Status: 409, Retryable: true, Err: cause,
		}, []string{"1"}},
		"a time of its own": {&problem.Problem{Kind: problem.KindResourceBusy, Header: http.Header{"Retry-After": {"7"}}}, problem.Problem{
			Kind: problem.KindResourceBusy, Type: problem.DefaultTypeBase + "resource-busy",
			Title: "The resource is busy with another write", Status: 409, Retryable: true,
		}, []string{"7"}},
		"what was chosen": {&problem.Problem{Kind: problem.KindLocked, Title: "T", Status: 423, Type: "/t", Detail: "d", Header: http.Header{"retry-after": {"7"}}}, problem.Problem{
			Kind: problem.KindLocked, Type: "/t", Title: "T", Status: 423, Retryable: true, Detail: "d",
		}, nil}, // it has one, written in another case
	} {
		t.Run(name, func(t *testing.T) {
			got := problem.Renderer{}.Complete(c.in)
			assert.Regexp(t, "^urn:uuid:[0-9a-f-]{36}$", got.Instance)
			assert.Equal(t, c.retryAfter, got.Header["Retry-After"])
			c.out.Instance, c.out.Header = got.Instance, got.Header
			assert.Equal(t, c.out, *got)
		})
	}
}

func TestCompletingWritesNothingToTheProblem(t *testing.T) {
	shared := problem.Problem{Kind: problem.KindResourceBusy, Header: http.Header{"Vary": {"Accept"}}, Instance: "/occurrences/1"}
	before := shared
	before.Header = shared.Header.Clone()
	got := problem.Renderer{TypeBase: "/problems#"}.Complete(&shared)
	assert.Equal(t, before, shared)
	assert.Equal(t, "/problems#resource-busy", got.Type)
	assert.Equal(t, "/occurrences/1", got.Instance)
}

func TestACompleteProblemIsSentAsTheOneThatItWasMadeOf(t *testing.T) {
	p := problem.New(problem.KindResourceBusy, "Busy.")
	p.Instance = "/occurrences/1"
	a, b := httptest.NewRecorder(), httptest.NewRecorder()
	problem.JSON(a, nil, p)
	problem.JSON(b, nil, problem.Renderer{}.Complete(p))
	assert.Equal(t, a.Header(), b.Header())
	assert.Equal(t, a.Body, b.Body)
}
