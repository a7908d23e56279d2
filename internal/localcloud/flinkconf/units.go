// SPDX-License-Identifier: Apache-2.0

package flinkconf

import (
	"fmt"
	"strconv"
	"strings"

	"emrflink/internal/flinkspec"
)

// SplitURI takes an s3://, s3a:// or s3p:// URI apart; EMR's logUri may lack the
// scheme.
func SplitURI(uri string) (bucket, key string) {
	if i := strings.Index(uri, "://"); i >= 0 {
		uri = uri[i+3:]
	}
	bucket, key, _ = strings.Cut(uri, "/")
	return bucket, strings.Trim(key, "/")
}

// Resources are a container's requests and limits, which Flink sets alike. Memory that does not parse asks for nothing.
func Resources(memory, cpu string) map[string]any {
	bytes, err := flinkspec.ResourceMemory(memory)
	if err != nil {
		return map[string]any{}
	}
	one := func() map[string]any {
		out := map[string]any{"memory": fmt.Sprintf("%dMi", bytes>>20)}
		if n, err := strconv.ParseFloat(cpu, 64); err == nil && n > 0 {
			out["cpu"] = strconv.FormatFloat(n, 'f', -1, 64)
		}
		return out
	}
	return map[string]any{"requests": one(), "limits": one()}
}

// MemoryOf is Flink's notation of an amount that may be in Kubernetes'; what does not parse stays as it is.
func MemoryOf(s string) string {
	bytes, err := flinkspec.ResourceMemory(s)
	if err != nil {
		return s
	}
	return strconv.FormatInt(bytes>>20, 10) + "m"
}
