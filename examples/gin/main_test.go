package main

import (
	"testing"

	"github.com/concordhttp/concord/examples/internal/transcript"
)

func TestTheHeaderShowsWhatIsAnswered(t *testing.T) {
	transcript.Hold(t, "main.go", newHandler())
}
