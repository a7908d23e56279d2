// SPDX-License-Identifier: Apache-2.0

package cost

// StandardSupport tells when EKS's standard support of a Kubernetes version ends, "" when the calendar does not know the
// version, and whether that is over on the day that the prices are of.
func StandardSupport(version string) (end string, over bool) {
	end, known := standardSupportEnds(version)
	return end, known && end < calendarDate
}
