// SPDX-License-Identifier: Apache-2.0

package account

import (
	"cmp"
	"emrflink/internal/localcloud/awserror"
	"maps"
	"net/http"
	"slices"
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
	QuotaRoles            = "L-FE177D64" // roles per account
	QuotaPolicies         = "L-E95E4862" // customer-managed policies per account
	QuotaInstanceProfiles = "L-6E65F664" // per account
)

// Quota is one quota that the account enforces, as Service Quotas describes it.
type Quota struct {
	Service, Code, Name string
	Default             float64 // AWS's
	Value               float64 // this account's
	Global              bool    // for all regions together
}

// quotaTable is AWS's table of the quotas above, with AWS's defaults (AWS General Reference: "Amazon VPC endpoints and
// quotas", "Amazon EC2 ...", "Amazon EKS ...", "IAM ..."). Value is set where this account has more: a new account starts
// with 5 standard vCPUs, which would not carry the blueprint; it is one that has asked for more.
func quotaTable() []Quota {
	return []Quota{
		{Service: "vpc", Code: QuotaVPCs, Name: "VPCs per Region", Default: 5},
		{Service: "vpc", Code: QuotaInternetGateways, Name: "Internet gateways per Region", Default: 5},
		{Service: "ec2", Code: QuotaElasticIPs, Name: "EC2-VPC Elastic IPs", Default: 5},
		{Service: "vpc", Code: QuotaNATGateways, Name: "NAT gateways per Availability Zone", Default: 5},
		{Service: "eks", Code: QuotaClusters, Name: "Clusters", Default: 100},
		{
			Service: "ec2", Code: QuotaOnDemandVCPU, Name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
			Default: 5, Value: 1152,
		},
		{
			Service: "ec2", Code: QuotaSpotVCPU, Name: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
			Default: 5, Value: 1152,
		},
		{Service: "vpc", Code: QuotaSGRules, Name: "Inbound or outbound rules per security group", Default: 60},
		{Service: "iam", Code: QuotaRoles, Name: "Roles per account", Default: 1000, Global: true},
		{Service: "iam", Code: QuotaPolicies, Name: "Customer managed policies per account", Default: 1500, Global: true},
		{Service: "iam", Code: QuotaInstanceProfiles, Name: "Instance profiles per account", Default: 1000, Global: true},
		{Service: "iam", Code: QuotaRolePolicies, Name: "Managed policies per role", Default: 10, Global: true},
	}
}

func defaultQuotas() map[string]float64 {
	out := map[string]float64{}
	for _, q := range quotaTable() {
		if out[q.Code] = q.Value; q.Value == 0 {
			out[q.Code] = q.Default
		}
	}
	return out
}

// QuotaList returns the quotas of the account, in the order of their codes.
func (a *Account) QuotaList() []Quota {
	values := a.Quotas()
	list := quotaTable()
	for i := range list {
		list[i].Value = values[list[i].Code]
	}
	slices.SortFunc(list, func(x, y Quota) int { return cmp.Compare(x.Code, y.Code) })
	return list
}

// Quotas returns the account's quotas by Service Quotas code.
func (a *Account) Quotas() map[string]float64 {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	return maps.Clone(a.quotas)
}

// SetQuota changes a quota until the account is closed. Unknown codes are an error.
func (a *Account) SetQuota(code string, v float64) error {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	if _, ok := a.quotas[code]; !ok {
		return awserror.Status(http.StatusNotFound, "NoSuchResourceException", "quota %s is not enforced by the local account",
			code)
	}
	a.quotas[code] = v
	return nil
}

// room refuses one more when used has reached the quota.
func (t *tx) room(quota string, used int, refusal *awserror.Error) error {
	if float64(used) >= t.a.quotas[quota] {
		return refusal
	}
	return nil
}

// inRegion counts resources of a kind in the region of the call.
func (t *tx) inRegion(k Kind) int {
	return t.count(k, func(r *Resource) bool { return r.Region == t.region() })
}
