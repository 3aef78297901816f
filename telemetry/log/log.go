// Package log ties log lines to what a runtime does: each line that is written
// with the context of an action, a query or a step gets the correlation id, and
// the operation that wrote it. It can log the operations themselves too.
//
//	logger := slog.New(log.NewHandler(slog.NewJSONHandler(os.Stderr, nil)))
//	standalone.Main(talix.Use(log.New(log.Config{})), shop.Service)
package log

import (
	"context"
	"errors"
	"log/slog"

	"github.com/talix-dev/talix"
)

// Config says what is logged of operations themselves. Its zero value logs
// nothing of them, and lets Handler know which operation a line is of.
type Config struct {
	// Operations gets a line for each operation that ended: at Debug if it
	// succeeded or the caller was refused, at Warn if it failed. Nil: none.
	Operations *slog.Logger
}

// Plugin is a talix.Observer: use it with talix.Use.
type Plugin struct{ operations *slog.Logger }

var _ talix.Observer = (*Plugin)(nil)

// New makes a Plugin.
func New(c Config) *Plugin { return &Plugin{c.Operations} }

// Name implements talix.Plugin.
func (*Plugin) Name() string { return "log" }

type operationKey struct{}

// Begin implements talix.Observer.
func (*Plugin) Begin(ctx context.Context, op talix.Operation) context.Context {
	if op.Kind == talix.KindView {
		return ctx
	}
	return context.WithValue(ctx, operationKey{}, &op)
}

// Carry implements talix.Observer: nothing goes along, as correlation ids do by
// themselves.
func (*Plugin) Carry(context.Context, func(name, value string)) {}

// Report implements talix.Reporter.
func (p *Plugin) Report(ctx context.Context, r talix.Report) {
	if p.operations == nil {
		return
	}
	level := levelOf(r.Err)
	if !p.operations.Enabled(ctx, level) {
		return
	}
	all := append(attributes(&r.Operation), details(&r)...)
	// A Handler would add to the line what it has already.
	ctx = context.WithValue(ctx, operationKey{}, (*talix.Operation)(nil))
	switch {
	case r.Err != nil:
		p.operations.LogAttrs(ctx, level, "failed", all...)
	case r.Waits:
		p.operations.LogAttrs(ctx, level, "waits", all...)
	default:
		p.operations.LogAttrs(ctx, level, "done", all...)
	}
}

func details(r *talix.Report) []slog.Attr {
	all := []slog.Attr{slog.Duration("took", r.Duration)}
	if r.Events > 0 {
		all = append(all, slog.Int("events", r.Events))
	}
	if r.Attempt > 1 {
		all = append(all, slog.Int("attempt", r.Attempt))
	}
	if r.Status > 0 {
		all = append(all, slog.Int("status", r.Status))
	}
	if r.Err != nil {
		all = append(all, slog.Any("error", r.Err))
	}
	return all
}

// levelOf is Warn for what is the program's fault or its surroundings'.
func levelOf(err error) slog.Level {
	e, ok := errors.AsType[*talix.Error](err)
	switch {
	case err == nil:
		return slog.LevelDebug
	case !ok:
		return slog.LevelWarn
	}
	switch e.Code {
	case talix.CodeInvalid, talix.CodeRejected, talix.CodeTaken, talix.CodeNotFound, talix.CodeGone:
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// attributes name an operation and what led to it.
func attributes(op *talix.Operation) []slog.Attr {
	all := make([]slog.Attr, 0, 10)
	all = append(all, slog.String(string(op.Kind), op.Name))
	if op.EntityID != "" {
		all = append(all, slog.String("entity", op.EntityID))
	}
	if op.Caller != "" {
		all = append(all, slog.String("caller", op.Caller))
	}
	if !op.CorrelationID.IsZero() {
		all = append(all, slog.String("correlation", op.CorrelationID.String()))
	}
	if !op.CausationID.IsZero() {
		all = append(all, slog.String("causation", op.CausationID.String()))
	}
	return all
}
