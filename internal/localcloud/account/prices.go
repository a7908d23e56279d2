// SPDX-License-Identifier: Apache-2.0

package account

import (
	"sync"

	"emrflink/internal/awskind"
	"emrflink/internal/cost"
)

// spotShare is the assumed spot price as a share of the on-demand price. Spot prices move; for c5d.2xlarge in us-west-2 a
// public price catalogue had 43 to 50 %.
const spotShare = 0.45

// listPrices are the prices that estimates are made of too: those of us-west-2, in whatever region the account works.
var listPrices = sync.OnceValue(func() cost.Prices {
	p, _ := cost.Table("us-west-2") // a test of that package reads the tables that are in the binary
	return p
})

// hourly is what one of a kind is billed per hour, 0 for what is free and for what its size decides.
func hourly(k Kind) float64 {
	usd, _ := listPrices().Hourly(rowOf(k).Price)
	return usd
}

// rowOf is the row of a kind in the catalogue.
func rowOf(k Kind) awskind.Kind {
	row, _ := awskind.OfSimulated(string(k)) // a test compares the two
	return row
}

// volumePrice is the price per hour of an EBS volume of a type and size.
func volumePrice(volumeType string, gib float64) float64 {
	if usd, known := listPrices().Hourly("ebs-" + volumeType); known {
		return usd * gib
	}
	// Estimates do not price these: io1 and io2 cost by their IOPS too. Per GiB and month: aws.amazon.com/ebs/pricing
	perMonth := map[string]float64{"io1": 0.125, "io2": 0.125, "st1": 0.045, "sc1": 0.015, "standard": 0.05}[volumeType]
	return perMonth * gib / cost.HoursPerMonth
}
