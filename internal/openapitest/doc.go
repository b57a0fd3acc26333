// Package openapitest has a validator judge what concord.OpenAPI gives, and
// what a Stack answers by it.
package openapitest
