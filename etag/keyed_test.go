package etag

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var testSecret = []byte("0123456789abcdef0123456789abcdef")

func mustKeyed(tb testing.TB, secret []byte) Hasher {
	tb.Helper()
	h, err := Keyed(secret)
	require.NoError(tb, err)
	return h
}

// slowKeyed computes the tag from the definitions: RFC 5869 for the keys, NIST
// SP 800-38D bit by bit for the GMAC.
func slowKeyed(secret, body []byte) string {
	k1 := slowHKDF(secret, "concord etag v1: universal hash")
	k2 := slowHKDF(secret, "concord etag v1: cover")
	block, err := aes.NewCipher(k2)
	if err != nil {
		panic(err)
	}
	digest := slowGMAC(k1, body)
	block.Encrypt(digest, digest)
	return `"` + base64.RawURLEncoding.EncodeToString(digest) + `"`
}

// slowHKDF gives the first 32 bytes, which are one block of the expansion.
func slowHKDF(secret []byte, info string) []byte {
	mac := func(key, message []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(message)
		return h.Sum(nil)
	}
	return mac(mac(make([]byte, sha256.Size), secret), append([]byte(info), 1))
}

func slowGMAC(key, body []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	var h, mask, y [16]byte
	block.Encrypt(h[:], h[:])
	mask[15] = 1 // the counter after a nonce of twelve zeros
	block.Encrypt(mask[:], mask[:])

	padded := append(bytes.Clone(body), make([]byte, -len(body)&15)...)
	padded = binary.BigEndian.AppendUint64(padded, uint64(len(body))*8)
	padded = binary.BigEndian.AppendUint64(padded, 0)
	for ; len(padded) > 0; padded = padded[16:] {
		for i := range y {
			y[i] ^= padded[i]
		}
		y = slowMultiply(y, h)
	}
	for i := range y {
		y[i] ^= mask[i]
	}
	return y[:]
}

// slowMultiply multiplies in GF(2^128), whose first bit is the lowest power.
func slowMultiply(x, v [16]byte) (z [16]byte) {
	for bit := range 128 {
		if x[bit/8]>>(7-bit%8)&1 == 1 {
			for i := range z {
				z[i] ^= v[i]
			}
		}
		carry := v[15] & 1
		for i := 15; i > 0; i-- {
			v[i] = v[i]>>1 | v[i-1]<<7
		}
		v[0] >>= 1
		v[0] ^= carry * 0xe1
	}
	return z
}

func TestKeyedIsWhatItsDefinitionSays(t *testing.T) {
	h := mustKeyed(t, testSecret)
	for _, length := range []int{0, 1, 15, 16, 17, 31, 32, 33, 127, 128, 129, 1000, 4096} {
		body := bytes.Repeat([]byte{0xa5, 0x00, 0xff}, length)[:length]
		assert.Equal(t, slowKeyed(testSecret, body), h.Sum(body).String(), "%d bytes", length)
	}
}

// These tags are in clients' caches: a release that changes them makes every
// client fetch everything again.
func TestTagsStayTheSameForEver(t *testing.T) {
	h := mustKeyed(t, testSecret)
	assert.Equal(t, `"47DEQpj8HBSa-_TImW-5JA"`, Of(nil).String())
	assert.Equal(t, `"LPJNul-wow4m6Dsqxbning"`, Of([]byte("hello")).String())
	assert.Equal(t, `"BpXR4S_jT9oHWRhkZzbuPw"`, h.Sum(nil).String())
	assert.Equal(t, `"RculoHNgFD1-1T1VbOLUIg"`, h.Sum([]byte("hello")).String())
}

func TestKeyedTagsAreStrongAndParse(t *testing.T) {
	for _, tag := range []Tag{mustKeyed(t, testSecret).Sum([]byte("x")), Of([]byte("x")), bySHA256{}.Sum([]byte("x"))} {
		assert.False(t, tag.IsWeak())
		assert.Equal(t, tag, mustParse(t, tag.String()))
		assert.Len(t, tag.String(), 24)
	}
	assert.Equal(t, Of([]byte("x")), bySHA256{}.Sum([]byte("x")))
}

func TestKeyedDependsOnTheSecretAndCopiesIt(t *testing.T) {
	secret := bytes.Clone(testSecret)
	h := mustKeyed(t, secret)
	want := h.Sum([]byte("x"))
	secret[0]++
	assert.Equal(t, want, h.Sum([]byte("x")), "the caller may wipe the secret")
	assert.NotEqual(t, want, mustKeyed(t, secret).Sum([]byte("x")))
	assert.NotEqual(t, want, mustKeyed(t, append(bytes.Clone(testSecret), 0)).Sum([]byte("x")))
}

func TestKeyedRefusesAShortSecret(t *testing.T) {
	for _, length := range []int{0, 1, 31} {
		h, err := Keyed(bytes.Repeat([]byte("s"), length))
		assert.Nil(t, h)
		var short *SecretError
		require.ErrorAs(t, err, &short)
		assert.Equal(t, length, short.Bytes)
		assert.NotContains(t, err.Error(), "sss")
	}
}

func TestKeyedIsSafeForConcurrentUse(t *testing.T) {
	h := mustKeyed(t, testSecret)
	bodies := [][]byte{nil, []byte("a"), bytes.Repeat([]byte("b"), 100), bytes.Repeat([]byte("c"), 10_000)}
	var want []Tag
	for _, body := range bodies {
		want = append(want, h.Sum(body))
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 200 {
				if at := i % len(bodies); h.Sum(bodies[at]) != want[at] {
					t.Error("another tag for the same body")
				}
			}
		})
	}
	group.Wait()
}

func TestHashersAllocateTheTagAlone(t *testing.T) {
	// Under the race detector a pool forgets one time in four on purpose, but
	// the average is rounded down.
	body := bytes.Repeat([]byte("x"), 1<<10)
	h := mustKeyed(t, testSecret)
	assert.InDelta(t, 1, testing.AllocsPerRun(200, func() { sink = Of(body) }), 0)
	assert.InDelta(t, 1, testing.AllocsPerRun(200, func() { sink = h.Sum(body) }), 0)
}

// fipsModeIsReported runs itself again in a mode that allows approved
// algorithms alone, where AES-GCM under a nonce of one's own is not one.
func fipsModeIsReported(t *testing.T) {
	const inMode = "CONCORD_TEST_IN_FIPS_MODE"
	if os.Getenv(inMode) != "" {
		h, err := Keyed(testSecret)
		require.ErrorContains(t, err, "AES-GCM")
		require.Nil(t, h, "and no other hash in its place")
		require.Equal(t, `"LPJNul-wow4m6Dsqxbning"`, Of([]byte("hello")).String(), "Of works in every mode")
		return
	}
	mode := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCoreHardCases$/^FIPSModeIsReported$", "-test.v")
	mode.Env = append(os.Environ(), "GODEBUG=fips140=only", inMode+"=1")
	out, err := mode.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestCoreHardCases/FIPSModeIsReported")
}
