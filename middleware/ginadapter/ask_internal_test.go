package ginadapter

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
)

func TestRoutesCoverWhatGinLeadsToThem(t *testing.T) {
	for _, c := range []struct {
		route, path string
		want        bool
	}{
		{"/", "/", true},
		{"/", "/a", false},
		{"/a", "/a", true},
		{"/a", "/b", false},
		{"/a", "/ab", false},
		{"/a", "/a/b", false},
		{"/a/b", "/a", false},
		{"/a/", "/a/", true},
		{"/notes/:id", "/notes/1", true},
		{"/notes/:id", "/notes/new", true},
		{"/notes/:id", "/notes", false},
		{"/notes/:id", "/notes/", false},
		{"/notes/v:id", "/notes/v", false},
		{"/notes/:id", "/notes/1/lines", false},
		{"/notes/:id/lines/:line", "/notes/1/lines/2", true},
		{"/notes/v:id", "/notes/v1", true},
		{"/notes/v:id", "/notes/w1", false},
		{"/files/*path", "/files/a/b/c", true},
		{"/files/*path", "/other/a", false},
	} {
		assert.Equal(t, c.want, covers(c.route, c.path), "%s, %s", c.route, c.path)
	}
}

func TestTheEngineIsAskedByThePathThatItRoutesBy(t *testing.T) {
	gin.SetMode(gin.TestMode)
	for _, c := range []struct {
		target    string
		set       func(*gin.Engine)
		status    int
		parameter string
	}{
		{"/notes/a", func(*gin.Engine) {}, 200, "a"},
		{"/notes/a%2Fb", func(*gin.Engine) {}, 405, ""},
		{"/notes/a%2Fb", func(e *gin.Engine) { e.UseRawPath = true }, 200, "a/b"},
		{"/notes/a%2Fb", func(e *gin.Engine) { e.UseEscapedPath = true }, 200, "a/b"},
		{"//notes//a", func(e *gin.Engine) { e.RemoveExtraSlash = true }, 200, "a"},
		{"//notes//a", func(*gin.Engine) {}, 405, ""},
	} {
		engine := gin.New()
		c.set(engine)
		engine.GET("/notes/:id", func(c *gin.Context) { c.String(200, c.Param("id")) })
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL, _ = url.Parse("http://a" + c.target)
		newAsked(engine).ServeHTTP(w, r)
		assert.Equal(t, c.status, w.Code, c.target)
		if c.status == 200 {
			assert.Equal(t, c.parameter, w.Body.String(), c.target)
		}
	}
}
