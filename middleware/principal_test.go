package middleware_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware"
)

func byAuthorization(t *testing.T, lines ...string) (string, error) {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Authorization"] = lines
	return middleware.ByAuthorization(r)
}

func TestByAuthorizationTellsCredentialsApart(t *testing.T) {
	seen := map[string]string{}
	for _, credentials := range []string{"Basic YTpi", "Basic YTpj", "Bearer YTpi", "Bearer t", "Bearer T"} {
		principal, err := byAuthorization(t, credentials)
		require.NoError(t, err)
		assert.NotContains(t, principal, "YTpi", "credentials never leave in clear")
		assert.Empty(t, seen[principal], "%s is the same caller as %s", credentials, seen[principal])
		seen[principal] = credentials
	}
	upper, _ := byAuthorization(t, "BEARER  t ")
	lower, _ := byAuthorization(t, "Bearer t")
	assert.Equal(t, lower, upper, "the scheme has no case (RFC 9110 section 11.1)")
}

func TestByAuthorizationRefusesWhatItCannotTellApart(t *testing.T) {
	for name, lines := range map[string][]string{
		"no field":                       nil,
		"an empty field":                 {""},
		"a scheme alone":                 {"Bearer"},
		"a scheme and blanks":            {"Bearer   "},
		"two fields":                     {"Bearer a", "Bearer a"},
		"Digest, which counts requests":  {`Digest username="a", nc=00000001`},
		"DPoP, a proof for each request": {"DPoP x"},
		"a signature for each request":   {"AWS4-HMAC-SHA256 Credential=a"},
	} {
		_, err := byAuthorization(t, lines...)
		assert.ErrorIs(t, err, middleware.ErrPrincipalUnknown, name)
	}
}

func TestByCookie(t *testing.T) {
	of := func(cookies string) (string, error) {
		r := httptest.NewRequest("GET", "/", nil)
		if cookies != "" {
			r.Header.Set("Cookie", cookies)
		}
		return middleware.ByCookie("session")(r)
	}
	a, err := of("session=a; theme=dark")
	require.NoError(t, err)
	again, err := of("theme=light; session=a")
	require.NoError(t, err)
	b, err := of("session=b")
	require.NoError(t, err)
	assert.Equal(t, a, again)
	assert.NotEqual(t, a, b)

	bearer, err := byAuthorization(t, "Bearer a")
	require.NoError(t, err)
	assert.NotEqual(t, bearer, a, "a cookie is not a token of the same text")

	for _, cookies := range []string{"", "theme=dark", "session=", "session=a; session=b"} {
		_, err := of(cookies)
		assert.ErrorIs(t, err, middleware.ErrPrincipalUnknown, "Cookie: %s", cookies)
	}
}

func TestDangerouslySharedIsOneCaller(t *testing.T) {
	a, err := middleware.DangerouslyShared(httptest.NewRequest("GET", "/a", nil))
	require.NoError(t, err)
	b, err := middleware.DangerouslyShared(httptest.NewRequest("PUT", "/b", nil))
	require.NoError(t, err)
	assert.Equal(t, a, b)
}
