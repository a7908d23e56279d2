// SPDX-License-Identifier: Apache-2.0

package dashboards

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"emrflink/observability"
)

// The area of a chart in pixels of its own: the browser scales it.
const (
	width, height = 480.0, 170.0
	left, right   = 58.0, 8.0
	top, bottom   = 8.0, 20.0
)

// colours is how many styles of lines the page has.
const colours = 8

// line is a series with its name.
type line struct {
	name   string
	points []point
	first  bool // of the panel's first query, which its threshold is of
}

// last is the newest value, NaN when there is none in the last two steps.
func (l line) last(s span) float64 {
	if n := len(l.points); n > 0 && !l.points[n-1].at.Before(s.to.Add(-2*s.step)) {
		return l.points[n-1].value
	}
	return math.NaN()
}

// draw makes the picture of lines, with the threshold where it is in sight.
func draw(lines []line, s span, unit observability.Unit, bad *observability.Threshold) template.HTML {
	low, high := bounds(lines, bad)
	x := func(t time.Time) float64 {
		return left + (width-left-right)*float64(t.Sub(s.from))/float64(max(s.to.Sub(s.from), 1))
	}
	ticks := scale(low, high, unit)
	low, high = ticks[0], ticks[len(ticks)-1]
	y := func(v float64) float64 { return top + (height-top-bottom)*(high-v)/(high-low) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img">`, width, height)
	for _, v := range ticks {
		fmt.Fprintf(&b, `<path class="grid" d="M%g %.1fH%g"/><text x="%g" y="%.1f" text-anchor="end">%s</text>`,
			left, y(v), width-right, left-5, y(v)+3.5, template.HTMLEscapeString(write(v, unit)))
	}
	for i, anchor := range []string{"start", "middle", "end"} {
		at := s.from.Add(s.to.Sub(s.from) * time.Duration(i) / 2)
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="%s">%s</text>`, x(at), height-5, anchor, at.Format("15:04:05"))
	}
	if bad != nil && bad.Value >= low && bad.Value <= high {
		fmt.Fprintf(&b, `<path class="bad" d="M%g %.1fH%g"/>`, left, y(bad.Value), width-right)
	}
	for i, l := range lines {
		fmt.Fprintf(&b, `<path class="line c%d" d="%s"/>`, i%colours, outline(l.points, s.step, x, y))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // #nosec G203 -- numbers, and texts that are escaped
}

// outline is broken where there is no value.
func outline(points []point, step time.Duration, x func(time.Time) float64, y func(float64) float64) string {
	var b strings.Builder
	var before time.Time
	for _, p := range points {
		if math.IsNaN(p.value) || math.IsInf(p.value, 0) {
			continue
		}
		to := "L"
		if p.at.Sub(before) > step*3/2 {
			to = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", to, x(p.at), y(p.value))
		if to == "M" {
			b.WriteString("h.1") // a single value is a dot
		}
		before = p.at
	}
	return b.String()
}

// bounds are the smallest and the largest value. A threshold is in sight when the values come near it.
func bounds(lines []line, bad *observability.Threshold) (low, high float64) {
	low, high = 0, 0
	for _, l := range lines {
		for _, p := range l.points {
			if !math.IsNaN(p.value) && !math.IsInf(p.value, 0) {
				low, high = min(low, p.value), max(high, p.value)
			}
		}
	}
	if bad != nil && bad.Value > high && bad.Value <= 2*high {
		high = bad.Value
	}
	return low, high
}

// scale are three to seven round values that reach from low to high.
func scale(low, high float64, unit observability.Unit) []float64 {
	if high <= low {
		high = low + 1
	}
	base, whole := 10.0, 1.0
	switch {
	case unit == observability.Bytes:
		base = 2
	case unit == observability.Seconds:
		whole = timeUnit(high)
	}
	step := whole * math.Pow(base, math.Floor(math.Log((high-low)/whole/4)/math.Log(base)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*factor) <= 5 {
			step *= factor
			break
		}
	}
	var out []float64
	first, last := math.Floor(low/step), math.Ceil(high/step)
	for i := first; i <= last; i++ {
		out = append(out, i*step)
	}
	return out
}

// write is a value with its unit.
func write(v float64, unit observability.Unit) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case unit == observability.Share:
		return short(100*v) + " %"
	case unit == observability.USD:
		return "$" + short(v)
	case unit == observability.Bytes:
		return large(v, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB"})
	case unit == observability.Seconds:
		return seconds(v)
	case unit == observability.PerSecond:
		return large(v, 1000, []string{"", "k", "M", "G"}) + "/s"
	}
	return large(v, 1000, []string{"", "k", "M", "G", "T"})
}

// short has three digits.
func short(v float64) string { return fmt.Sprintf("%.3g", v) }

func large(v, base float64, names []string) string {
	i := 0
	for math.Abs(v) >= base && i < len(names)-1 {
		v, i = v/base, i+1
	}
	if math.Abs(v) >= 100 {
		return fmt.Sprintf("%.0f%s", v, names[i])
	}
	return short(v) + names[i]
}

func seconds(v float64) string {
	if a := math.Abs(v); a > 0 && a < 1 {
		return short(1000*v) + " ms"
	}
	unit := timeUnit(math.Abs(v))
	return short(v/unit) + map[float64]string{1: " s", minute: " min", hour: " h", day: " d"}[unit]
}

const minute, hour, day = 60.0, 3600.0, 24 * 3600.0

// timeUnit is the unit, in seconds, in which so many seconds are written.
func timeUnit(v float64) float64 {
	switch {
	case v < 2*minute:
		return 1
	case v < 2*hour:
		return minute
	case v < 2*day:
		return hour
	}
	return day
}
