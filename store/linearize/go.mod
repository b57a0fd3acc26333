module github.com/concordhttp/concord/store/linearize

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/concordhttp/concord v0.0.0-00010101000000-000000000000
)

require github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect

replace github.com/concordhttp/concord => ../..
