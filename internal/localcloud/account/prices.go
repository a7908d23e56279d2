// SPDX-License-Identifier: Apache-2.0

package account

// List prices in US dollars, us-west-2, on-demand, without tax, free tier or data transfer.
const (
	hoursPerMonth = 730 // AWS's own convention for monthly prices

	priceCluster      = 0.10                // per hour, Kubernetes version in standard support: aws.amazon.com/eks/pricing
	priceNAT          = 0.045               // per hour, plus 0.045 per GB: aws.amazon.com/vpc/pricing
	priceIPv4         = 0.005               // per hour and public IPv4 address, in use or idle: aws.amazon.com/vpc/pricing
	priceEndpointZone = 0.01                // per hour, interface endpoint and zone; gateway endpoints are free: aws.amazon.com/privatelink/pricing
	priceLoadBalancer = 0.0225              // per hour, application or network, plus capacity units: aws.amazon.com/elasticloadbalancing/pricing
	priceKey          = 1.0 / hoursPerMonth // per customer-managed key, prorated hourly; none while it is pending deletion: aws.amazon.com/kms/pricing
	priceGP3          = 0.08                // per GiB and month: aws.amazon.com/ebs/pricing
	priceGP2          = 0.10                // per GiB and month
	priceIO           = 0.125               // per GiB and month, io1 and io2, without provisioned IOPS
	priceST1          = 0.045               // per GiB and month
	priceSC1          = 0.015               // per GiB and month
	priceMagnetic     = 0.05                // per GiB and month

	// spotShare is the assumed spot price as a share of the on-demand price. Spot prices move; for
	// c5d.2xlarge in us-west-2 a public price catalogue had 43 to 50 %.
	spotShare = 0.45
)

// volumePrice is the price per hour of an EBS volume of a type and size.
func volumePrice(volumeType string, gib float64) float64 {
	perMonth := map[string]float64{
		"gp3": priceGP3, "gp2": priceGP2, "io1": priceIO, "io2": priceIO, "st1": priceST1, "sc1": priceSC1, "standard": priceMagnetic,
	}[volumeType]
	return perMonth * gib / hoursPerMonth
}
