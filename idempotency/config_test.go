package idempotency_test

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
)

// uncomparable is a store that cannot be told from another.
type uncomparable struct {
	store.Store
	_ []int
}

// mistakes returns what New finds wrong, as the names of fields.
func mistakes(t *testing.T, c idempotency.Config) (fields []string) {
	t.Helper()
	_, err := idempotency.New(c)
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				walk(err)
			}
			return
		}
		var mistake *store.ConfigError
		require.ErrorAs(t, err, &mistake)
		assert.NotEmpty(t, mistake.Reason)
		fields = append(fields, mistake.Field)
	}
	if err != nil {
		walk(err)
	}
	return fields
}

func TestMistakesOfAConfig(t *testing.T) {
	const prefix = "idempotency.Config."
	for name, test := range map[string]struct {
		change func(*idempotency.Config)
		fields []string
	}{
		"none":                      {func(*idempotency.Config) {}, nil},
		"no Principal":              {func(c *idempotency.Config) { c.Principal = nil }, []string{"Principal"}},
		"safe methods":              {func(c *idempotency.Config) { c.Methods = []string{"GET", "POST", "HEAD"} }, []string{"Methods", "Methods"}},
		"more of them":              {func(c *idempotency.Config) { c.Methods = []string{"OPTIONS", "TRACE", "QUERY"} }, []string{"Methods", "Methods", "Methods"}},
		"a safe method of WebDAV":   {func(c *idempotency.Config) { c.Methods = []string{"PROPFIND"} }, []string{"Methods"}},
		"CONNECT":                   {func(c *idempotency.Config) { c.Methods = []string{"CONNECT"} }, []string{"Methods"}},
		"an empty method":           {func(c *idempotency.Config) { c.Methods = []string{""} }, []string{"Methods"}},
		"a method in small letters": {func(c *idempotency.Config) { c.Methods = []string{"post"} }, []string{"Methods"}},
		"two methods in one":        {func(c *idempotency.Config) { c.Methods = []string{"POST, PUT"} }, []string{"Methods"}},
		"a method of one's own":     {func(c *idempotency.Config) { c.Methods = []string{"MOVE", "X-MOVE"} }, nil},
		"methods about locks":       {func(c *idempotency.Config) { c.Methods = []string{"POST", "LOCK", "UNLOCK"} }, []string{"Methods", "Methods"}},
		"a field that is none":      {func(c *idempotency.Config) { c.Header = "Idempotency Key" }, []string{"Header"}},
		"a field with a colon":      {func(c *idempotency.Config) { c.ReplayField = "Replayed:" }, []string{"ReplayField"}},
		"a field of the body's own": {func(c *idempotency.Config) { c.ReplayField = "content-length" }, []string{"ReplayField"}},
		"a negative TTL":            {func(c *idempotency.Config) { c.TTL = -1 }, []string{"TTL"}},
		"a TTL of the Lease":        {func(c *idempotency.Config) { c.TTL = 30 * time.Second }, []string{"TTL"}},
		"a TTL a moment too short":  {func(c *idempotency.Config) { c.TTL = 33*time.Second - 1 }, []string{"TTL"}},
		"the shortest TTL":          {func(c *idempotency.Config) { c.TTL = 33 * time.Second }, nil},
		"a Lease of most of a day":  {func(c *idempotency.Config) { c.Lease = 22 * time.Hour }, []string{"TTL"}},
		"a Lease that is too short": {func(c *idempotency.Config) { c.Lease = 9 * time.Millisecond }, []string{"Lease"}},
		"a Lease that is too long":  {func(c *idempotency.Config) { c.Lease, c.TTL = 25*time.Hour, 48*time.Hour }, []string{"Lease"}},
		"a negative Lease":          {func(c *idempotency.Config) { c.Lease = -1 }, []string{"Lease"}},
		"the longest Lease there is": {
			func(c *idempotency.Config) { c.Lease, c.TTL = math.MaxInt64, math.MaxInt64 }, []string{"Lease"},
		},
		"a negative MaxRun":          {func(c *idempotency.Config) { c.MaxRun = -1 }, []string{"MaxRun"}},
		"a negative Wait":            {func(c *idempotency.Config) { c.Wait = -1 }, []string{"Wait"}},
		"negative MaxWaiters":        {func(c *idempotency.Config) { c.MaxWaiters = -1 }, []string{"MaxWaiters"}},
		"a policy that is not there": {func(c *idempotency.Config) { c.Unknown = 2 }, []string{"Unknown"}},
		"a negative MaxUnknown":      {func(c *idempotency.Config) { c.MaxUnknown = -1 }, nil},
		"a negative MaxRequestBody":  {func(c *idempotency.Config) { c.MaxRequestBody = -1 }, []string{"MaxRequestBody"}},
		"a negative MaxResponseBody": {func(c *idempotency.Config) { c.MaxResponseBody = -1 }, []string{"MaxResponseBody"}},
		"no store for transactions":  {func(c *idempotency.Config) { c.Transactional = true }, []string{"Store"}},
		"a store that has none":      {func(c *idempotency.Config) { c.Transactional, c.Store = true, newSpy() }, []string{"Store"}},
		"a store that is nil":        {func(c *idempotency.Config) { c.Store = (*memory.Store)(nil) }, []string{"Store"}},
		"a run without transaction": {
			func(c *idempotency.Config) {
				c.Store, c.Transactional, c.DangerouslyFailOpen = newTxMemory(), true, true
			}, []string{"DangerouslyFailOpen"},
		},
		"a store of no identity":   {func(c *idempotency.Config) { c.Store = uncomparable{Store: newSpy()} }, []string{"Store"}},
		"a Sealer without an AEAD": {func(c *idempotency.Config) { c.Seal = []idempotency.Sealer{{ID: 1}} }, []string{"Seal[0].AEAD"}},
		"two Sealers of one ID":    {func(c *idempotency.Config) { c.Seal = []idempotency.Sealer{sealer(t, 1), sealer(t, 1)} }, []string{"Seal[1].ID"}},
		"all that can be, and at once": {
			func(c *idempotency.Config) {
				*c = idempotency.Config{
					Methods: []string{"GET"}, Header: " ", ReplayField: "\n", TTL: -1, Lease: -1, MaxRun: -1, Wait: -1, MaxWaiters: -1, Unknown: 9,
					MaxRequestBody: -1, MaxResponseBody: -1, Transactional: true, Seal: []idempotency.Sealer{{}},
				}
			},
			[]string{
				"Principal", "Methods", "Header", "ReplayField", "TTL", "Wait", "Unknown", "MaxRequestBody", "MaxResponseBody",
				"Store", "Seal[0].AEAD", "Lease", "MaxRun", "MaxWaiters",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := idempotency.Config{Principal: middleware.DangerouslyShared}
			test.change(&c)
			var want []string
			for _, field := range test.fields {
				want = append(want, prefix+field)
			}
			assert.Equal(t, want, mistakes(t, c))
		})
	}
}

func TestMistakenConfigMakesNoLayer(t *testing.T) {
	l, err := idempotency.New(idempotency.Config{})
	require.Error(t, err)
	assert.Nil(t, l)
	assert.Contains(t, err.Error(), "idempotency.Config.Principal")
	var mistake *store.ConfigError
	assert.ErrorAs(t, err, &mistake)
}

// TestConfigIsCopied: what the server does with its own afterwards has no
// effect.
func TestConfigIsCopied(t *testing.T) {
	c := idempotency.Config{
		Principal: middleware.DangerouslyShared,
		Methods:   []string{"POST"},
		Seal:      []idempotency.Sealer{sealer(t, 1)},
		Store:     newSpy(),
	}
	l, err := idempotency.New(c)
	require.NoError(t, err)
	c.Methods[0], c.Seal[0] = "PUT", idempotency.Sealer{}
	h := l.Handler(&till{})
	first := send(h, post("k", "{}"))
	wantReplay(t, first, send(h, post("k", "{}")))
}

// TestDefaults: as the constants and comments state them.
func TestDefaults(t *testing.T) {
	s := newSpy()
	var deadline time.Time
	h := newLayer(t, idempotency.Config{Store: s}).Handler(&till{then: func(_ http.ResponseWriter, r *http.Request, _ int64) {
		deadline, _ = r.Context().Deadline()
	}})
	began := time.Now()
	send(h, request(http.MethodPatch, "/", "k", "{}", idempotency.DefaultHeader, "k"))
	require.Len(t, s.written, 2, "a claim and its outcome")
	for _, r := range s.written {
		assert.Equal(t, 24*time.Hour, r.TTL)
		assert.Equal(t, idempotency.DefaultTTL, r.TTL)
	}
	assert.WithinDuration(t, began.Add(idempotency.DefaultMaxRun), deadline, 10*time.Second)
	again := send(h, request(http.MethodPatch, "/", "k", "{}"))
	assert.Equal(t, "true", again.Header().Get(idempotency.DefaultReplayField))

	for size, status := range map[int]int{4 << 20: http.StatusCreated, 4<<20 + 1: http.StatusRequestEntityTooLarge} {
		assert.Equal(t, status, send(newLayer(t, idempotency.Config{}).Handler(&till{}), post("k", string(make([]byte, size)))).Code)
	}
	for size, status := range map[int]int{1 << 20: http.StatusOK, 1<<20 + 1: http.StatusConflict} {
		h := newLayer(t, idempotency.Config{}).Handler(&till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
			_, _ = w.Write(make([]byte, size))
		}})
		send(h, post("k", "{}"))
		assert.Equal(t, status, send(h, post("k", "{}")).Code)
	}
	assert.Equal(t, idempotency.Refuse, idempotency.Config{}.Unknown)
}

// TestLayersWithoutAStoreShareNothing: each has a memory of its own.
func TestLayersWithoutAStoreShareNothing(t *testing.T) {
	pay := &till{}
	send(newLayer(t, idempotency.Config{}).Handler(pay), post("k", "{}"))
	send(newLayer(t, idempotency.Config{}).Handler(pay), post("k", "{}"))
	assert.EqualValues(t, 2, pay.runs.Load())
	one := newLayer(t, idempotency.Config{})
	send(one.Handler(pay), post("k", "{}"))
	assert.Equal(t, "true", send(one.Handler(pay), post("k", "{}")).Header().Get("Idempotency-Replayed"), "one layer around two routes has one")
}

// TestOutcomesAreKeptForTheTTL: counted from when the request ended, and then it
// runs again.
func TestOutcomesAreKeptForTheTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pay := &till{then: func(w http.ResponseWriter, _ *http.Request, _ int64) {
			time.Sleep(time.Minute)
			w.WriteHeader(http.StatusCreated)
		}}
		h := newLayer(t, idempotency.Config{TTL: time.Hour}).Handler(pay)
		first := send(h, post("k", "{}"))
		time.Sleep(time.Hour - 1)
		wantReplay(t, first, send(h, post("k", "{}")))
		time.Sleep(1)
		assert.Empty(t, send(h, post("k", "{}")).Header().Get("Idempotency-Replayed"))
		assert.EqualValues(t, 2, pay.runs.Load())
	})
}
