// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"net/http"
)

// ServiceSpot is the service whose role EC2 needs in the account for spot instances.
const ServiceSpot = "spot.amazonaws.com"

// serviceLinkedRoles are the names of the roles that services make for themselves, by service. They belong to the
// account, not to a deployment: an inventory does not list them.
func serviceLinkedRoles() map[string]string {
	return map[string]string{ServiceSpot: "AWSServiceRoleForEC2Spot"}
}

// SetServiceLinkedRole says whether the account has the service-linked role of a service; it starts with all of them.
// A service of which the account knows none is an error.
func (a *Account) SetServiceLinkedRole(service string, present bool) error {
	if serviceLinkedRoles()[service] == "" {
		return awserror.Status(http.StatusNotFound, "NoSuchEntity", "the local account has no service-linked role of %s", service)
	}
	a.ledger.Lock()
	defer a.ledger.Unlock()
	a.unlinked[service] = !present
	return nil
}

// ServiceLinkedRole finds an existing service-linked role by its name and returns its service.
func (a *Account) ServiceLinkedRole(role string) (service string, ok bool) {
	a.ledger.Lock()
	defer a.ledger.Unlock()
	for service, name := range serviceLinkedRoles() {
		if name == role && !a.unlinked[service] {
			return service, true
		}
	}
	return "", false
}

// ServiceLinkedRoleARN is the ARN of the service-linked role of a service, whether it exists or not.
func (a *Account) ServiceLinkedRoleARN(service string) string {
	return "arn:" + a.Partition() + ":iam::" + a.opts.AccountID + ":role/aws-service-role/" + service + "/" +
		serviceLinkedRoles()[service]
}

// CreateServiceLinkedRole makes the service-linked role of a service.
func (a *Account) CreateServiceLinkedRole(service string) error {
	name := serviceLinkedRoles()[service]
	if name == "" {
		return awserror.Bad("InvalidInput", "The service-linked role of %s is not simulated by the local account", service)
	}
	if _, ok := a.ServiceLinkedRole(name); ok {
		return awserror.Bad("InvalidInput", "Service role name %s has been taken in this account, please try a different suffix.",
			name)
	}
	return a.SetServiceLinkedRole(service, true)
}

// needSpotRole makes EC2's role for spot instances if the caller of a spot request may, as EC2 does, and refuses the
// request if not.
func (a *Account) needSpotRole(c Caller) error {
	if _, ok := a.ServiceLinkedRole(serviceLinkedRoles()[ServiceSpot]); ok {
		return nil
	}
	err := a.Authorize(c, "iam:CreateServiceLinkedRole", a.ServiceLinkedRoleARN(ServiceSpot),
		map[string][]string{"iam:AWSServiceName": {ServiceSpot}})
	if err == nil {
		err = a.CreateServiceLinkedRole(ServiceSpot)
	}
	if err != nil {
		return awserror.Status(http.StatusForbidden, "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
			"The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.")
	}
	return nil
}
