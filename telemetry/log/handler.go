package log

import (
	"context"
	"log/slog"

	"github.com/talix-dev/talix"
)

// Handler adds to each line that is written with the context of an operation
// what Plugin knows of that: its kind and name, the entity, the action that
// called it, and the ids of correlation and causation. Lines without such a
// context are passed on as they are, as all are where the Plugin is not used.
type Handler struct{ next slog.Handler }

var _ slog.Handler = (*Handler)(nil)

// NewHandler makes a Handler that passes lines on.
func NewHandler(next slog.Handler) *Handler { return &Handler{next} }

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if op, ok := ctx.Value(operationKey{}).(*talix.Operation); ok && op != nil {
		r = r.Clone()
		r.AddAttrs(attributes(op)...)
	}
	return h.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler { return &Handler{h.next.WithAttrs(attrs)} }

// WithGroup implements slog.Handler. What Handler adds to later lines stands in
// the group too.
func (h *Handler) WithGroup(name string) slog.Handler { return &Handler{h.next.WithGroup(name)} }
