// SPDX-License-Identifier: Apache-2.0

package flinkconf

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var quantity = regexp.MustCompile(`^([0-9]+)\s*([a-zA-Z]*)$`)

// MemoryMiB reads Flink's memory notation ("2048m", "2g", "2 gb") or
// Kubernetes' ("2Gi"); Flink's "m" is mebibytes, not Kubernetes' milli.
func MemoryMiB(s string) (int64, error) {
	m := quantity.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no amount of memory", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 40)
	if err != nil {
		return 0, fmt.Errorf("%q is no amount of memory", s)
	}
	switch strings.ToLower(m[2]) {
	case "", "b", "bytes":
		return n >> 20, nil
	case "k", "kb", "ki", "kibibytes":
		return n >> 10, nil
	case "m", "mb", "mi", "mebibytes":
		return n, nil
	case "g", "gb", "gi", "gibibytes":
		return n << 10, nil
	case "t", "tb", "ti", "tebibytes":
		return n << 20, nil
	}
	return 0, fmt.Errorf("%q has an unknown unit", s)
}

// Duration reads Flink's notation of durations; a bare number is milliseconds.
func Duration(s string) (time.Duration, error) {
	m := quantity.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	unit, ok := map[string]time.Duration{
		"": time.Millisecond, "ms": time.Millisecond, "milli": time.Millisecond, "millis": time.Millisecond,
		"s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
		"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
		"h": time.Hour, "hour": time.Hour, "hours": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	}[strings.ToLower(m[2])]
	if !ok {
		return 0, fmt.Errorf("%q has an unknown unit", s)
	}
	return time.Duration(n) * unit, nil
}

// SplitURI takes an s3://, s3a:// or s3p:// URI apart; EMR's logUri may lack the
// scheme.
func SplitURI(uri string) (bucket, key string) {
	if i := strings.Index(uri, "://"); i >= 0 {
		uri = uri[i+3:]
	}
	bucket, key, _ = strings.Cut(uri, "/")
	return bucket, strings.Trim(key, "/")
}

// IsS3 says whether a URI names an object or a prefix in S3.
func IsS3(uri string) bool {
	for _, scheme := range []string{"s3://", "s3a://", "s3p://"} {
		if rest, ok := strings.CutPrefix(uri, scheme); ok && rest != "" && rest[0] != '/' {
			return true
		}
	}
	return false
}

// Resources are a container's requests and limits, which Flink sets alike. Memory that does not parse asks for nothing.
func Resources(memory, cpu string) map[string]any {
	mib, err := MemoryMiB(memory)
	if err != nil {
		return map[string]any{}
	}
	one := func() map[string]any {
		out := map[string]any{"memory": fmt.Sprintf("%dMi", mib)}
		if n, err := strconv.ParseFloat(cpu, 64); err == nil && n > 0 {
			out["cpu"] = strconv.FormatFloat(n, 'f', -1, 64)
		}
		return out
	}
	return map[string]any{"requests": one(), "limits": one()}
}

// MemoryOf is Flink's notation of an amount that may be in Kubernetes'; what does not parse stays as it is.
func MemoryOf(s string) string {
	mib, err := MemoryMiB(s)
	if err != nil {
		return s
	}
	return strconv.FormatInt(mib, 10) + "m"
}
