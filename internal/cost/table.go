// SPDX-License-Identifier: Apache-2.0

package cost

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// AsOf is the date of the EC2 price list (ISO 8601). The rates of other services say in their table when, and whether,
// they were compared.
const AsOf = "2026-07-20"

// HoursPerMonth is AWS's own convention for monthly figures.
const HoursPerMonth = 730

//go:embed ec2.csv
var ec2CSV string

//go:embed rates.csv
var ratesCSV string

// Prices are the list prices of one region.
type Prices struct {
	Region string
	// AsOf is the date of the prices, "" when the region has none. Source says whose they are.
	AsOf, Source string
	// Live says that AWS was asked; Missing is then what it answered for each price that it does not have.
	Live    bool
	Missing []string
	// EC2 maps instance types to US dollars per hour, Rates the names of RateNames to US dollars per unit.
	EC2, Rates map[string]float64
}

// tableSource says what the checked-in tables are.
const tableSource = "the tables in this binary, from AWS's list prices"

// rateUnits are the units of the rates.
var rateUnits = sync.OnceValue(func() map[string]string {
	rows, _ := rowsOf(ratesCSV) // a test reads the table that is in the binary
	out := map[string]string{}
	for _, row := range rows[1:] {
		out[row[0]] = row[1]
	}
	return out
})

// RateNames are the rates that an estimate may need beside those of instances, with their units.
func RateNames() map[string]string { return maps.Clone(rateUnits()) }

// Hourly is a rate per hour, also of what is billed by the month; false when there is no price.
func (p Prices) Hourly(rate string) (float64, bool) {
	usd, known := p.Rates[rate]
	if strings.HasSuffix(rateUnits()[rate], "month") {
		usd /= HoursPerMonth
	}
	return usd, known
}

// Regions lists the regions that there are prices for, sorted.
func Regions() []string { return []string{"us-east-1", "us-west-2"} }

// Table reads the checked-in prices of a region. Of one without, they have no date and no price.
func Table(region string) (Prices, error) {
	if !slices.Contains(Regions(), region) {
		return Prices{Region: region}, nil
	}
	ec2, err := column(ec2CSV, region)
	if err != nil {
		return Prices{}, fmt.Errorf("read the EC2 price table: %w", err)
	}
	rates, err := column(ratesCSV, region)
	if err != nil {
		return Prices{}, fmt.Errorf("read the rate table: %w", err)
	}
	return Prices{Region: region, AsOf: AsOf, Source: tableSource, EC2: ec2, Rates: rates}, nil
}

func rowsOf(table string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(table))
	r.Comment = '#'
	return r.ReadAll()
}

// column reads one region's column of a table, keyed by the first column.
func column(table, region string) (map[string]float64, error) {
	rows, err := rowsOf(table)
	if err != nil {
		return nil, err
	}
	at := slices.Index(rows[0], region)
	if at < 0 {
		return nil, fmt.Errorf("no column %q", region)
	}
	out := map[string]float64{}
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[at], 64)
		if err != nil {
			return nil, fmt.Errorf("row %q: %w", row[0], err)
		}
		out[row[0]] = v
	}
	return out, nil
}

// standardSupportEnds is when EKS begins to charge the extended-support rate for a Kubernetes version
// (docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html, release calendar).
func standardSupportEnds(version string) (string, bool) {
	end, known := map[string]string{
		"1.29": "2025-03-23", "1.30": "2025-07-23", "1.31": "2025-11-26", "1.32": "2026-03-23",
		"1.33": "2026-07-29", "1.34": "2026-12-02", "1.35": "2027-03-27",
	}[version]
	return end, known
}

// StandardSupportEnds is the day on which standard support of a Kubernetes version ends; false when none is known.
func StandardSupportEnds(version string) (time.Time, bool) {
	text, known := standardSupportEnds(version)
	day, err := time.Parse(time.DateOnly, text)
	return day, known && err == nil
}

// ControlPlane is the price of a control plane per hour in standard and in extended support; false when there are no
// prices for the region.
func ControlPlane(region string) (standard, extended float64, known bool) {
	p, err := Table(region)
	if err != nil || p.AsOf == "" {
		return 0, 0, false
	}
	return p.Rates["eks-cluster"], p.Rates["eks-cluster-extended"], true
}

// calendarDate is the day on which a version counts as being in standard or extended support. It is fixed, so that the
// same input gives the same estimate on any day; an item's note names the date on which its price changes.
const calendarDate = "2026-11-22"
