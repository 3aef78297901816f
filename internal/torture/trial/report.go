package trial

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report is what a trial has led to.
type Report struct {
	Seed     uint64
	Requests int
	Events   int
	// Pauses are by fault, in the order in which they first came.
	Pauses []Pause
	// Problems are what should not be; none: all checks passed.
	Problems []string
	// Dir has the history and what the processes wrote, if there are problems.
	Dir string
}

// Pause is how long the partitions paused at worst while one fault lasted.
type Pause struct {
	Fault   string
	Times   int
	Longest time.Duration
	Goal    time.Duration // 0: there is none
}

// Over tells whether the goal was missed.
func (p Pause) Over() bool { return p.Goal > 0 && p.Longest > p.Goal }

// note takes in how long partitions paused during a fault.
func (r *Report) note(fault string, goal, longest time.Duration) {
	for i := range r.Pauses {
		if p := &r.Pauses[i]; p.Fault == fault {
			p.Times++
			p.Longest = max(p.Longest, longest)
			return
		}
	}
	r.Pauses = append(r.Pauses, Pause{fault, 1, longest, goal})
}

// Write tells people.
func (r *Report) Write(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "fault\ttimes\tlongest pause\tgoal\n")
	for _, p := range r.Pauses {
		goal := "-"
		if p.Goal > 0 {
			goal = "≤ " + p.Goal.String()
		}
		if p.Over() {
			goal += " missed"
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%.2f s\t%s\n", p.Fault, p.Times, p.Longest.Seconds(), goal)
	}
	_ = w.Flush() // what cannot be told is lost
	_, _ = fmt.Fprintf(out, "\nseed %d: %d requests, %d events, %d problems\n", r.Seed, r.Requests, r.Events, len(r.Problems))
	for _, p := range r.Problems {
		_, _ = fmt.Fprintln(out, "  "+p)
	}
}
