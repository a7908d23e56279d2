// SPDX-License-Identifier: Apache-2.0

// Package live reads from the AWS Price List the prices that package cost otherwise reads from its tables.
//
// Place: domain, above awsapi. It is separate from cost so that code that only estimates links no AWS client.
package live

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"emrflink/internal/awsapi"
	"emrflink/internal/cost"
)

// askedAtOnce is how many questions the Price List gets at the same time; it answers about ten a second.
const askedAtOnce = 4

// PriceList is what is asked of the AWS Price List.
type PriceList interface {
	Region() string
	InstancePrice(ctx context.Context, instanceType string) (awsapi.Price, error)
	RatePrice(ctx context.Context, rate string) (awsapi.Price, error)
}

var _ PriceList = (*awsapi.Client)(nil)

// Prices asks the Price List for everything that is wanted.
func Prices(ctx context.Context, l PriceList, want cost.PriceNames, now time.Time) (cost.Prices, error) {
	type question struct {
		name string
		ask  func(context.Context, string) (awsapi.Price, error)
		into map[string]float64
	}
	p := cost.Prices{
		Region: l.Region(), AsOf: now.UTC().Format(time.DateOnly), Source: "the AWS Price List, asked now", Live: true,
		EC2: map[string]float64{}, Rates: map[string]float64{},
	}
	var questions []question
	for _, t := range want.InstanceTypes {
		questions = append(questions, question{t, l.InstancePrice, p.EC2})
	}
	for _, r := range want.Rates {
		questions = append(questions, question{r, l.RatePrice, p.Rates})
	}
	answers := make([]awsapi.Price, len(questions))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(askedAtOnce)
	for i, q := range questions {
		g.Go(func() (err error) {
			answers[i], err = q.ask(gctx, q.name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return p, err
	}
	for i, a := range answers {
		if a.Found {
			questions[i].into[questions[i].name] = a.USD
			continue
		}
		p.Missing = append(p.Missing, a.Why)
	}
	return p, nil
}
