// SPDX-License-Identifier: Apache-2.0

package awswire

import "emrflink/internal/localcloud/account"

func (q *request) quotaARN(service, code string) string {
	return q.arn("servicequotas", service+"/"+code)
}

func oneQuota(q *request) ([]need, error) {
	return on(q.quotaARN(q.field("ServiceCode"), q.field("QuotaCode")))
}

// quotaNode is a quota as Service Quotas answers it.
func (q *request) quotaNode(quota account.Quota, value float64) map[string]any {
	return map[string]any{
		"ServiceCode": quota.Service, "QuotaCode": quota.Code, "QuotaName": quota.Name, "Value": value, "Unit": "None",
		"Adjustable":  true,
		"GlobalQuota": quota.Global, "QuotaArn": q.quotaARN(quota.Service, quota.Code),
		"QuotaAppliedAtLevel": "ACCOUNT",
	}
}

// quota finds the quota that a request names.
func (q *request) quota() (account.Quota, error) {
	var in struct{ ServiceCode, QuotaCode string }
	if err := q.decode(&in); err != nil {
		return account.Quota{}, err
	}
	for _, quota := range q.account.QuotaList() {
		if quota.Service == in.ServiceCode && quota.Code == in.QuotaCode {
			return quota, nil
		}
	}
	return account.Quota{}, invalid("NoSuchResourceException", "The request failed because the specified quota %s of %s does "+
		"not exist.", in.QuotaCode, in.ServiceCode)
}

func getServiceQuota(q *request) (answer, error) {
	quota, err := q.quota()
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"Quota": q.quotaNode(quota, quota.Value)})
}

func getDefaultServiceQuota(q *request) (answer, error) {
	quota, err := q.quota()
	if err != nil {
		return answer{}, err
	}
	return q.json(map[string]any{"Quota": q.quotaNode(quota, quota.Default)})
}

func listServiceQuotas(q *request) (answer, error) {
	var in struct {
		ServiceCode string
		MaxResults  int
		NextToken   string
	}
	if err := q.decode(&in); err != nil {
		return answer{}, err
	}
	var quotas []account.Quota
	for _, quota := range q.account.QuotaList() {
		if quota.Service == in.ServiceCode {
			quotas = append(quotas, quota)
		}
	}
	if len(quotas) == 0 {
		return answer{}, invalid("NoSuchResourceException", "The request failed because the specified service %s does not exist.",
			in.ServiceCode)
	}
	quotas, next, known := pageOf(quotas, func(quota account.Quota) string { return quota.Code }, in.MaxResults, in.NextToken)
	if !known {
		return answer{}, invalid("InvalidPaginationTokenException", "The token %q is invalid", in.NextToken)
	}
	all := []any{}
	for _, quota := range quotas {
		all = append(all, q.quotaNode(quota, quota.Value))
	}
	out := map[string]any{"Quotas": all}
	if next != "" {
		out["NextToken"] = next
	}
	return q.json(out)
}
