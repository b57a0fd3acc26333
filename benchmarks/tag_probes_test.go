package main

import (
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// tagProbes are about reads.
var tagProbes = map[string]probe{
	"two bodies of one length and one CRC-32 have different tags": func(t *testing.T, who string) bool {
		a, b := alike()
		first := behind(t, who, says(a)).answers(t.Context(), get()).header.Get("ETag")
		second := behind(t, who, says(b)).answers(t.Context(), get()).header.Get("ETag")
		require.NotEmpty(t, first)
		require.NotEmpty(t, second)
		return first != second
	},
	"the answer to a POST does not carry a tag of its own body": func(t *testing.T, who string) bool {
		got := behind(t, who, says("done")).answers(t.Context(), asking(http.MethodPost, document))
		require.Equal(t, http.StatusOK, got.status)
		return got.header.Get("ETag") == ""
	},
	"If-None-Match: * is 304 where there is a document": reads(http.StatusNotModified, func(string) ask {
		return get("If-None-Match: *")
	}),
	"If-None-Match is read to its end after a weak tag": reads(http.StatusNotModified, func(tag string) ask {
		return get(`If-None-Match: W/"old",` + tag)
	}),
	"a blank after a comma of If-None-Match is no part of a tag": reads(http.StatusNotModified, func(tag string) ask {
		return get(`If-None-Match: "old", ` + tag)
	}),
	"all field lines of If-None-Match count": reads(http.StatusNotModified, func(tag string) ask {
		return get(`If-None-Match: "old"`, "If-None-Match: "+tag)
	}),
	"a GET whose If-Match is false is 412": reads(http.StatusPreconditionFailed, func(string) ask {
		return get(`If-Match: "old"`)
	}),
}

// reads tells whether a read is answered with a status. It takes the tag from
// an answer before: fiber makes tags where the handler gives none, and judges
// only those.
func reads(status int, asks func(tag string) ask) probe {
	return func(t *testing.T, who string) bool {
		s, _ := documents()
		if who == peerETag {
			s.tag = nil
		}
		service := behind(t, who, s)
		tag := service.answers(t.Context(), get()).header.Get("ETag")
		require.NotEmpty(t, tag)
		alone := service.answers(t.Context(), get("If-None-Match: "+tag))
		require.Equal(t, http.StatusNotModified, alone.status, "a lone tag is understood, or nothing is said of lists")
		return service.answers(t.Context(), asks(tag)).status == status
	}
}

// alike are two bodies of one length and one checksum, by fiber's polynomial.
func alike() (a, b string) {
	table := crc32.MakeTable(0xD5828281)
	seen := make(map[uint32]uint64)
	for n := uint64(1); ; n++ {
		body := binary.BigEndian.AppendUint64(nil, n*0x9E3779B97F4A7C15) // scattered: small differences never collide
		sum := crc32.Checksum(body, table)
		if m, ok := seen[sum]; ok {
			return string(binary.BigEndian.AppendUint64(nil, m*0x9E3779B97F4A7C15)), string(body)
		}
		seen[sum] = n
	}
}
