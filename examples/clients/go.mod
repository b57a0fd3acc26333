// This module only tests: it keeps the clients out of what importers of Concord
// link or download, and out of what the other examples do.
module github.com/concordhttp/concord/examples/clients

go 1.26.0

require (
	github.com/concordhttp/concord v0.0.0
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/resend/resend-go/v3 v3.1.1
	github.com/stretchr/testify v1.12.1
	github.com/stripe/stripe-go/v85 v85.0.0
)

require (
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/golang-lru/v2 v2.0.7 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace github.com/concordhttp/concord => ../..
