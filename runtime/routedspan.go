package runtime

import (
	"context"

	"github.com/talix-dev/talix/store"
)

var _ store.Spanner = routed{}

// Span implements store.Spanner. A part that is fenced by this node's own claim
// is refused once the partition is lost.
func (s routed) Span(ctx context.Context, parts []store.Part) []store.Outcome {
	for i := range parts {
		if parts[i].Epoch == 0 && !s.r.node.Holds(parts[i].Partition) {
			out := make([]store.Outcome, len(parts))
			for i := range out {
				out[i] = store.Outcome{Status: store.Failed, Err: errMoved}
			}
			return out
		}
	}
	return s.Store.(store.Spanner).Span(ctx, parts)
}
