module github.com/concordhttp/concord/examples

go 1.26.0

require github.com/concordhttp/concord v0.0.0-00010101000000-000000000000

require (
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/concordhttp/concord => ../
