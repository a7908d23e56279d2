// SPDX-License-Identifier: Apache-2.0

package flinkspec

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"time"

	"emrflink/internal/pattern"
)

// numbered is a number with what stands behind it.
var numbered = pattern.Lazy(`^(-?[0-9]+)\s*([^0-9\s].*)?$`)

// memoryUnits are the units of Flink's MemorySize, as powers of 2.
var memoryUnits = map[string]uint{
	"": 0, "b": 0, "bytes": 0, "k": 10, "kb": 10, "kibibytes": 10, "m": 20, "mb": 20, "mebibytes": 20,
	"g": 30, "gb": 30, "gibibytes": 30, "t": 40, "tb": 40, "tebibytes": 40,
}

// Size reads Flink's MemorySize ("2048m", "2 gb", "1048576") in bytes.
func Size(s string) (int64, error) {
	m := numbered().FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no amount of memory: a whole number with a unit such as 2048m or 2g", s)
	}
	shift, known := memoryUnits[strings.ToLower(strings.TrimSpace(m[2]))]
	n, err := strconv.ParseInt(m[1], 10, 64)
	switch {
	case !known:
		return 0, fmt.Errorf("%q has the unit %q; Flink knows b, k, m, g and t, which are powers of 1024", s, m[2])
	case err != nil || n > (1<<63-1)>>shift:
		return 0, fmt.Errorf("%q is more than fits into 64 bits", s)
	case n < 0:
		return 0, fmt.Errorf("%q is negative", s)
	}
	return n << shift, nil
}

// quantity is a number of Kubernetes with its suffix.
var quantity = pattern.Lazy(`^([+-]?[0-9]*\.?[0-9]*)(Ki|Mi|Gi|Ti|Pi|Ei|m|k|K|M|G|T|P|E|[eE][+-]?[0-9]+)?$`)

// quantityUnits are the suffixes of Kubernetes' quantities.
var quantityUnits = sync.OnceValue(func() map[string]*big.Rat {
	return map[string]*big.Rat{
		"": big.NewRat(1, 1), "m": big.NewRat(1, 1000), "k": power(10, 3), "K": power(10, 3), "M": power(10, 6),
		"G": power(10, 9), "T": power(10, 12), "P": power(10, 15), "E": power(10, 18),
		"Ki": power(2, 10), "Mi": power(2, 20), "Gi": power(2, 30), "Ti": power(2, 40), "Pi": power(2, 50), "Ei": power(2, 60),
	}
})

func power(base, exponent int64) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(base), big.NewInt(exponent), nil))
}

// Quantity reads a quantity of Kubernetes ("500m", "2Gi", "1e6").
func Quantity(s string) (*big.Rat, error) {
	m := quantity().FindStringSubmatch(s)
	if m == nil || strings.Trim(m[1], "+-.") == "" {
		return nil, fmt.Errorf("%q is no quantity of Kubernetes", s)
	}
	unit, known := quantityUnits()[m[2]]
	if !known {
		n, err := strconv.ParseInt(m[2][1:], 10, 16)
		if err != nil || n > 60 || n < -60 {
			return nil, fmt.Errorf("%q is no quantity of Kubernetes", s)
		}
		if unit = power(10, max(n, -n)); n < 0 {
			unit = new(big.Rat).Inv(unit)
		}
	}
	value, ok := new(big.Rat).SetString(strings.TrimPrefix(m[1], "+"))
	if !ok {
		return nil, fmt.Errorf("%q is no quantity of Kubernetes", s)
	}
	return value.Mul(value, unit), nil
}

// ResourceMemory reads spec.jobManager.resource.memory and its like in bytes, as the operator does: Flink's notation first,
// then Kubernetes' of the text in upper case, without blanks and a "B" at its end. "2048m" is 2048 MiB, not Kubernetes'
// milli. (FlinkConfigBuilder.parseResourceMemoryString of release 1.10.)
func ResourceMemory(s string) (int64, error) {
	n, flinkErr := Size(s)
	if flinkErr == nil {
		return n, nil
	}
	text := strings.TrimSuffix(strings.ToUpper(strings.Join(strings.Fields(s), "")), "B")
	if rest, iec := strings.CutSuffix(text, "I"); iec {
		text = rest + "i"
	}
	q, err := Quantity(text)
	if err != nil {
		return 0, flinkErr
	}
	// What Kubernetes' parser gives goes through Flink's once more, which takes whole numbers.
	if strings.Contains(text, ".") || !q.IsInt() || q.Sign() < 0 || !q.Num().IsInt64() {
		return 0, fmt.Errorf("%q is no whole number of bytes for the operator", s)
	}
	return q.Num().Int64(), nil
}

// durationUnits are those of Flink's TimeUtils.
var durationUnits = map[string]time.Duration{
	"": time.Millisecond, "d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "h": time.Hour, "hour": time.Hour,
	"hours": time.Hour, "m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute, "s": time.Second,
	"sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second, "ms": time.Millisecond,
	"milli": time.Millisecond, "millis": time.Millisecond, "millisecond": time.Millisecond, "milliseconds": time.Millisecond,
	"µs": time.Microsecond, "micro": time.Microsecond, "micros": time.Microsecond, "microsecond": time.Microsecond,
	"microseconds": time.Microsecond, "ns": time.Nanosecond, "nano": time.Nanosecond, "nanos": time.Nanosecond,
	"nanosecond": time.Nanosecond, "nanoseconds": time.Nanosecond,
}

// Duration reads Flink's notation of a time ("10s", "5 min", "500"); a number alone is milliseconds.
func Duration(s string) (time.Duration, error) {
	m := numbered().FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%q is no duration: a whole number with a unit such as 500ms, 10s or 5 min", s)
	}
	unit, known := durationUnits[strings.ToLower(strings.TrimSpace(m[2]))]
	if !known {
		return 0, fmt.Errorf("%q has the unit %q; Flink knows d, h, min, s, ms, micro and ns", s, m[2])
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > int64(1<<63-1)/int64(unit) {
		return 0, fmt.Errorf("%q is longer than 292 years", s)
	}
	return time.Duration(n) * unit, nil
}

// Check says what is wrong with a value of the key, or nil.
func (k Key) Check(value string) error {
	value = strings.TrimSpace(value)
	var err error
	switch k.Type {
	case "Boolean":
		if v := strings.ToLower(value); v != "true" && v != "false" {
			return fmt.Errorf("%q is not true or false", value)
		}
	case "Integer":
		_, err = strconv.ParseInt(value, 10, 32)
	case "Long":
		_, err = strconv.ParseInt(value, 10, 64)
	case "Double", "Float":
		_, err = strconv.ParseFloat(value, 64)
	case "Duration":
		if strings.HasPrefix(strings.ToUpper(value), "P") {
			return nil // ISO 8601, which java.time reads
		}
		_, err = Duration(value)
		return err
	case "MemorySize":
		_, err = Size(value)
		return err
	}
	if err != nil {
		return fmt.Errorf("%q is no %s", value, strings.ToLower(k.Type))
	}
	return k.choose(value)
}

// choose compares a value with those of an enum, as Flink does: in any case. Older values have a dash for an underline.
func (k Key) choose(value string) error {
	if len(k.Choices) == 0 || strings.HasPrefix(k.Type, "List") {
		return nil
	}
	plain := strings.NewReplacer("-", "", "_", "")
	for _, c := range k.Choices {
		if strings.EqualFold(plain.Replace(c), plain.Replace(value)) {
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", value, strings.Join(k.Choices, ", "))
}

// IsS3 says whether a URI names an object or a prefix in S3, by one of the file systems of EMR's image.
func IsS3(uri string) bool {
	for _, scheme := range []string{"s3://", "s3a://", "s3p://"} {
		if rest, ok := strings.CutPrefix(uri, scheme); ok && rest != "" && rest[0] != '/' {
			return true
		}
	}
	return false
}
