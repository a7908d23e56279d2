// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"net/http"
	"strings"
	"time"

	"emrflink/internal/localcloud/objects"
)

func preconditionFailed() error {
	return refuse(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold")
}

// names says whether a list of ETags has the object's, or is "*".
func names(etags, etag string) bool {
	for e := range strings.SplitSeq(etags, ",") {
		if e = strings.TrimPrefix(strings.TrimSpace(e), "W/"); e == "*" || quote(e) == quote(etag) {
			return true
		}
	}
	return false
}

// readable asks the conditions of a read, in the order of RFC 9110: a condition on the ETag overrides the one on the time.
// header gives a condition by its name. changed is false when the sender has the object already.
func readable(header func(name string) string, o objects.Object) (changed bool, err error) {
	modified := o.LastModified.Truncate(time.Second) // headers have no fractions
	since, sinceErr := http.ParseTime(header("If-Modified-Since"))
	until, untilErr := http.ParseTime(header("If-Unmodified-Since"))
	match, none := header("If-Match"), header("If-None-Match")
	if match != "" && !names(match, o.ETag) || match == "" && untilErr == nil && modified.After(until) {
		return false, preconditionFailed()
	}
	if none != "" {
		return !names(none, o.ETag), nil
	}
	return sinceErr != nil || modified.After(since), nil
}

// matching is the condition that a key holds an object with an ETag; "" is no condition.
func matching(etag string) objects.Condition {
	if etag == "" {
		return nil
	}
	held := false
	return func(o objects.Object, exists bool) error {
		switch {
		case !exists && held: // it was asked beforehand, and let the body come
			return refuse(http.StatusConflict, "ConditionalRequestConflict",
				"The conditional request cannot succeed due to a conflicting operation against this resource.")
		case !exists:
			return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		case !names(etag, o.ETag):
			return preconditionFailed()
		}
		held = true
		return nil
	}
}

// writable is the condition of a write.
func (q *request) writable() (objects.Condition, error) {
	match, none := q.http.Header.Get("If-Match"), q.http.Header.Get("If-None-Match")
	switch {
	case none == "":
		return matching(match), nil
	case none != "*" || match != "":
		return nil, refuse(http.StatusNotImplemented, "NotImplemented",
			"A header you provided implies functionality that is not implemented: a write takes If-Match or If-None-Match: *")
	}
	return func(_ objects.Object, exists bool) error {
		if exists {
			return preconditionFailed()
		}
		return nil
	}, nil
}
