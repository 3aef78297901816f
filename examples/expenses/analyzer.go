package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/talix-dev/talix/examples/expenses/analyze"
	"github.com/talix-dev/talix/examples/expenses/document"
)

// analyzer is the document service's Analyzer.
type analyzer struct{ analyze.Analyzer }

var _ document.Analyzer = analyzer{}

// Analyze reads a file.
func (a analyzer) Analyze(ctx context.Context, f document.File, open func(context.Context) (io.ReadCloser, error)) (document.Analysis, error) {
	found, err := a.Analyzer.Analyze(ctx, analyze.File{Name: f.Name, MediaType: f.MediaType, Open: open})
	switch {
	case errors.Is(err, analyze.ErrNeedsOCR):
		return document.Analysis{}, fmt.Errorf("%w: %w", document.ErrLater, err)
	case analyze.Permanent(err):
		return document.Analysis{}, fmt.Errorf("%w: %w", document.ErrUnreadable, err)
	case err != nil:
		return document.Analysis{}, err
	}
	return document.Analysis{
		IsExpense: found.IsExpense, Vendor: found.Vendor, Amount: found.Amount,
		Currency: found.Currency, Date: found.Date, Reason: found.Reason,
	}, nil
}
