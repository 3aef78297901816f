package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is one line of the table: what is measured, against what, and what was
// aimed at.
type row struct {
	name    string // for -row
	what    string
	against string
	unit    string // of ours and the baseline
	compare comparison
	goal    bound
	first   bound // of the first step; a missed one ends the program with 1
	// prepare makes both sides ready. What it opens, it hands to the lab.
	prepare func(ctx context.Context, l *lab) (contest, error)
}

// side measures one figure, taking about as long as it is told.
type side func(ctx context.Context, each time.Duration) (float64, error)

// contest is the two sides that take turns; base is nil where ours stands
// for itself.
type contest struct{ ours, base side }

func rows() []row {
	return slices.Concat(throughputRows(), httpRows(), latencyRows(), reactionRows(), loadRows(), rebuildRows(), memoryRows(), telemetryRows(), postgresRows())
}

// choose finds the rows with the given names, or all.
func choose(names string) ([]row, error) {
	all := rows()
	if names == "" {
		return all, nil
	}
	var chosen []row
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q; there are: %s", name, strings.Join(rowNames(all), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func rowNames(all []row) []string {
	var names []string
	for _, r := range all {
		names = append(names, r.name)
	}
	return names
}
