package main

import (
	"context"
	"slices"
	"time"
)

// median is the middle of the values, or the mean of the two in the middle.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// medianTime is the median of how long n calls took, one after another.
func medianTime(ctx context.Context, n int, call func(i int) error) (time.Duration, error) {
	times := make([]float64, 0, n)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		started := time.Now()
		if err := call(i); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(started)))
	}
	return time.Duration(median(times)), nil
}
