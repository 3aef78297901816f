package main

import "fmt"

// comparison is how a figure of ours is put beside its baseline.
type comparison int

const (
	ratio comparison = iota // ours divided by the baseline
	added                   // ours less the baseline
	alone                   // ours, without a baseline
)

func (c comparison) of(ours, base float64) float64 {
	switch c {
	case ratio:
		return ours / base
	case added:
		return ours - base
	}
	return ours
}

func (c comparison) format(v float64, unit string) string {
	switch c {
	case ratio:
		return fmt.Sprintf("%.2f ×", v)
	case added:
		return fmt.Sprintf("%+.2f %s", v, unit)
	}
	return fmt.Sprintf("%.0f", v)
}

// bound is what a comparison should reach; the zero bound asks for nothing.
type bound struct {
	limit float64
	sense sense
}

type sense int

const (
	unbounded sense = iota
	least
	most
)

func atLeast(limit float64) bound { return bound{limit, least} }

func atMost(limit float64) bound { return bound{limit, most} }

func (b bound) met(v float64) bool {
	switch b.sense {
	case least:
		return v >= b.limit
	case most:
		return v <= b.limit
	}
	return true
}

func (b bound) format(c comparison, unit string) string {
	switch b.sense {
	case least:
		return "≥ " + c.format(b.limit, unit)
	case most:
		return "≤ " + c.format(b.limit, unit)
	}
	return "–"
}
