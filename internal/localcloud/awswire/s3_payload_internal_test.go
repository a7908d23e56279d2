// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emrflink/internal/localcloud/objects"
)

// TestAmazonsExamplesOfChunks reads the bodies of the examples in the Amazon S3 API reference, "Signature calculations for the
// authorization header: transferring a payload in multiple chunks", with their published keys and signatures.
func TestAmazonsExamplesOfChunks(t *testing.T) {
	t.Parallel()
	chunk := func(size, signature string, n int) string {
		return size + ";chunk-signature=" + signature + "\r\n" + strings.Repeat("a", n) + "\r\n"
	}
	plain := chunk("10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", 65536) +
		chunk("400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", 1024) +
		chunk("0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", 0)
	trailing := chunk("10000", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", 65536) +
		chunk("400", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", 1024) +
		strings.TrimSuffix(chunk("0", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992", 0), "\r\n") +
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
	for name, tc := range map[string]struct{ stated, seed, body, crc32c string }{
		"without a trailer": {
			chunksSigned, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", plain, "",
		},
		"with a trailer": {
			chunksSignedTrailer, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", trailing, "sOO8/Q==",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sig := signature{
				date: "20130524", region: "us-east-1", service: "s3", value: tc.seed,
				at: time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC),
			}
			read := func(body string) (string, *payload, error) {
				r := httptest.NewRequest(http.MethodPut, "/examplebucket/chunkObject.txt", strings.NewReader(body))
				r.Header.Set("X-Amz-Decoded-Content-Length", "66560")
				p, err := newPayload(r, sig, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", tc.stated)
				require.NoError(t, err)
				b, err := io.ReadAll(p)
				return string(b), p, err
			}
			got, p, err := read(tc.body)
			require.NoError(t, err)
			require.Equal(t, strings.Repeat("a", 66560), got)
			require.Equal(t, tc.crc32c, p.trailer["x-amz-checksum-crc32c"])
			_, _, err = read(strings.Replace(tc.body, "aa", "ab", 1))
			require.ErrorContains(t, err, "SignatureDoesNotMatch")
			if tc.crc32c != "" {
				_, _, err = read(strings.Replace(tc.body, tc.crc32c, "sOO9/Q==", 1))
				require.ErrorContains(t, err, "SignatureDoesNotMatch", "the trailer is signed")
			}
		})
	}
}

// TestChecksumsAreAmazons compares with the check values of the catalogue of CRCs and of RFC 3174 and FIPS 180.
func TestChecksumsAreAmazons(t *testing.T) {
	t.Parallel()
	for a, want := range map[objects.Algorithm]string{
		objects.CRC32: "y/Q5Jg==", objects.CRC32C: "4waSgw==", objects.CRC64NVME: "rosUhgp5mIg=",
		objects.SHA1: "98O8HYCOBHMq32eZZczDTKeuNEE=", objects.SHA256: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		h := a.New()
		h.Write([]byte("123456789"))
		c := claims{checksum: objects.Checksum{Algorithm: a, Value: want}}
		got := objects.Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(h.Sum(nil))}
		require.NoError(t, c.verifyChecksum(got), a)
	}
}

func TestRangesAreReadAsOfRFC9110(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]struct {
		from, length int64
		partial      bool
	}{
		"": {0, 10, false}, "bytes=0-3": {0, 4, true}, "bytes=4-": {4, 6, true}, "bytes=-3": {7, 3, true},
		"bytes=8-100": {8, 2, true}, "bytes=-100": {0, 10, true}, "bytes=9-9": {9, 1, true}, "bytes=0-0": {0, 1, true},
		"bytes=10-": {10, 0, true}, "bytes=20-30": {20, 0, true}, "bytes=-0": {10, 0, true},
		"bytes=3-1": {0, 10, false}, "bytes=1-2,4-5": {0, 10, false}, "bytes=x-y": {0, 10, false}, "lines=1-2": {0, 10, false},
		"bytes=-": {0, 10, false}, "bytes=--1": {0, 10, false},
	} {
		from, length, partial := byteRange(asked, 10)
		require.Equal(t, want, struct {
			from, length int64
			partial      bool
		}{from, length, partial}, asked)
	}
	_, length, partial := byteRange("bytes=0-", 0)
	require.True(t, partial && length == 0, "an empty object has no range")
}
