package analyze

import (
	"context"

	"github.com/talix-dev/talix/examples/expenses/analyze/detect"
)

var _ Analyzer = (*Local)(nil)

// Local analyses on this machine alone, by rules: see the package detect.
type Local struct {
	source  source
	options detect.Options
}

// NewLocal makes an analyzer. Nothing needs to be installed but tesseract for
// pictures.
func NewLocal(config Config) *Local {
	return &Local{newSource(config), detect.Options{Currency: config.Currency}}
}

// Analyze gives the same answer for the same file.
func (l *Local) Analyze(ctx context.Context, f File) (Analysis, error) {
	text, err := l.source.text(ctx, f)
	if err != nil {
		return Analysis{}, err
	}
	found := detect.Detect(text, l.options)
	return Analysis{
		IsExpense: found.IsExpense,
		Vendor:    found.Vendor,
		Amount:    found.Amount,
		Currency:  found.Currency,
		Date:      found.Date,
		Reason:    found.Reason,
		Text:      l.source.keep(text),
	}, nil
}
