// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Autoname is how a provider names a resource whose program gives no name: the
// logical name, a dash, and random hex digits.
type Autoname struct {
	// Digits is how many hex digits follow the dash.
	Digits int
	// Max is the longest name that the service takes, 0 for no limit.
	Max int
	// Lower makes the name lower case, as buckets need it.
	Lower bool
	// Stable draws the digits from the URN instead of the engine's random seed, so
	// that a preview that leaves no state gives the same names each time.
	Stable bool
}

// Name returns the name for the resource of req. old is the name that the
// resource has, "" when it is new: a name that was made here is kept.
func (a Autoname) Name(req *pulumirpc.CheckRequest, logical, old string) (string, error) {
	if opts := req.GetAutonaming(); opts != nil {
		switch opts.GetMode() {
		case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
			return "", fmt.Errorf("no name is given and automatic naming is disabled")
		default:
			if p := opts.GetProposedName(); p != "" {
				return p, nil
			}
		}
	}
	prefix := logical + "-"
	if a.Lower {
		prefix = strings.ToLower(prefix)
	}
	if digits, ok := strings.CutPrefix(old, prefix); ok && isHex(digits, a.Digits) {
		return old, nil
	}
	if a.Max > 0 && len(prefix)+a.Digits > a.Max {
		return "", fmt.Errorf("the automatic name %q and %d digits is longer than %d characters", prefix, a.Digits, a.Max)
	}
	seed := req.GetRandomSeed()
	if a.Stable {
		seed = nil
	}
	sum := sha256.Sum256(append([]byte(req.GetUrn()+"\x00"), seed...))
	return prefix + hex.EncodeToString(sum[:])[:a.Digits], nil
}

func isHex(s string, digits int) bool {
	if len(s) != digits {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}
