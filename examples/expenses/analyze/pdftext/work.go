package pdftext

import "context"

// work bounds what one file may cost. All that loops over a file's bytes
// spends first, and stops when there is nothing left.
type work struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call of Extract
	left    int64
	sinceOK int64
}

const askEvery = 1 << 18

func (w *work) spend(n int) bool {
	if w.left <= 0 {
		return false
	}
	w.left -= int64(n)
	if w.sinceOK += int64(n); w.sinceOK > askEvery {
		w.sinceOK = 0
		if w.ctx.Err() != nil {
			w.left = 0
		}
	}
	return w.left > 0
}

func (w *work) exhausted() bool { return w.left <= 0 }
