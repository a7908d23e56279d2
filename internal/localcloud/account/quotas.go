// SPDX-License-Identifier: Apache-2.0

package account

import (
	"maps"
	"net/http"
)

// Service Quotas codes that the account enforces.
const (
	QuotaVPCs             = "L-F678F1CE" // VPCs per region
	QuotaInternetGateways = "L-A4707A72" // per region
	QuotaElasticIPs       = "L-0263D0A3" // per region
	QuotaNATGateways      = "L-FE5A380F" // per zone
	QuotaClusters         = "L-1194D53C" // EKS clusters per region
	QuotaOnDemandVCPU     = "L-1216C47A" // running on-demand standard instances (A, C, D, H, I, M, R, T, Z)
	QuotaSpotVCPU         = "L-34B43A08" // standard spot instance requests
	QuotaSGRules          = "L-0EA8095F" // rules per security group and direction
	QuotaRolePolicies     = "L-0DA4ABF3" // managed policies per role
)

// defaultQuotas are AWS's defaults, except the vCPU quotas: a new account starts with 5, which would not
// carry the blueprint; these are those of an account that has asked for more.
func defaultQuotas() map[string]float64 {
	return map[string]float64{
		QuotaVPCs: 5, QuotaInternetGateways: 5, QuotaElasticIPs: 5, QuotaNATGateways: 5, QuotaClusters: 100,
		QuotaOnDemandVCPU: 1152, QuotaSpotVCPU: 1152, QuotaSGRules: 60, QuotaRolePolicies: 10,
	}
}

// Quotas returns the account's quotas by Service Quotas code.
func (a *Account) Quotas() map[string]float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.quotas)
}

// SetQuota changes a quota until the account is closed. Unknown codes are an error.
func (a *Account) SetQuota(code string, v float64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.quotas[code]; !ok {
		return errStatus(http.StatusNotFound, "NoSuchResourceException", "quota %s is not enforced by the local account", code)
	}
	a.quotas[code] = v
	return nil
}

// room refuses one more when used has reached the quota.
func (t *tx) room(quota string, used int, refusal *Error) error {
	if float64(used) >= t.a.quotas[quota] {
		return refusal
	}
	return nil
}

// inRegion counts resources of a kind in the region of the call.
func (t *tx) inRegion(k Kind) int {
	return t.count(k, func(r *Resource) bool { return r.Region == t.region() })
}
