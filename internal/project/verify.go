package project

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// Difference is a row that is not what the log makes of it.
type Difference struct {
	Table   string
	Columns []table.Column
	// View is the row of the view, Log the one that the fold of the log gives;
	// nil where there is none.
	View, Log []table.Value
}

// Verify compares the tables of a view with the fold of the log up to the
// view's mark, which it makes beside them, and yields the differences, in order
// of table. The view is not kept up while rows are compared. It needs Run.
func (p *Projector) Verify(ctx context.Context, name string) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		v, err := p.view(name)
		if err == nil {
			err = p.verify(ctx, v, func(d Difference) bool { return yield(d, nil) })
		}
		if err != nil {
			yield(Difference{}, fmt.Errorf("verify view %s: %w", name, err))
		}
	}
}

func (p *Projector) verify(ctx context.Context, v *view, each func(Difference) bool) (err error) {
	if _, fault := v.pending(); fault != nil {
		return fault
	}
	v.verifying.Lock()
	defer v.verifying.Unlock()
	if p.cfg.Shared {
		return p.verifyShared(ctx, v, each)
	}
	check := v.build(prefixCheck)
	if err := check.drop(ctx); err != nil {
		return err
	}
	defer func() {
		// The caller may have gone, but the tables are to go, too.
		if dropped := check.drop(context.WithoutCancel(ctx)); err == nil {
			err = dropped
		}
	}()
	if err := check.reachShown(ctx); err != nil {
		return err
	}
	return p.hold(ctx, v, func(live *build) error {
		for i, r := range check.parts {
			if err := r.reach(ctx, live.parts[i].seen); err != nil {
				return err
			}
		}
		return live.compare(ctx, check, each)
	})
}

// reachShown makes the tables of what queries see at present.
func (b *build) reachShown(ctx context.Context) error {
	if s := b.view.where(); s.live != nil {
		b.state.Starts = s.live.state.Starts
	}
	if err := b.open(ctx); err != nil {
		return err
	}
	for p, r := range b.parts {
		if err := r.reach(ctx, store.Position(b.view.shown[p].seen.Load())); err != nil {
			return err
		}
	}
	return nil
}

// hold runs fn in the caller's goroutine while the view's runners rest.
func (p *Projector) hold(ctx context.Context, v *view, fn func(live *build) error) error {
	held, release, asked := make(chan *build), make(chan struct{}), make(chan error, 1)
	go func() {
		asked <- p.ask(ctx, v.def.Name, func(_ context.Context, s *standing) error {
			if s.live == nil {
				_, fault := v.pending()
				return fault
			}
			select {
			case held <- s.live:
				<-release
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	select {
	case live := <-held:
		err := fn(live)
		close(release)
		return errors.Join(err, <-asked)
	case err := <-asked:
		return err
	}
}

// compare yields the rows in which the tables of two builds differ.
func (b *build) compare(ctx context.Context, with *build, each func(Difference) bool) error {
	log := with.schemas()
	for i, s := range b.schemas() {
		d := Difference{Table: s.Name, Columns: s.Columns}
		for _, sql := range []string{missing(&s, &log[i]), missing(&log[i], &s), different(&s, &log[i])} {
			for row, err := range b.view.cfg.Tables.Query(ctx, sql, nil) {
				if err != nil {
					return err
				}
				if !each(d.of(row)) {
					return nil
				}
			}
		}
	}
	return nil
}

// of is one row of a comparison: the side that has it, and the values of one
// or both sides.
func (d Difference) of(row []table.Value) Difference {
	n := len(d.Columns)
	side, values := row[0].Text(), append([]table.Value(nil), row[1:]...)
	switch side {
	case "":
		d.View, d.Log = values[:n:n], values[n:]
	default:
		if strings.HasPrefix(side, prefixCheck) {
			d.Log = values
		} else {
			d.View = values
		}
	}
	return d
}

// missing finds the rows of one table whose keys another one lacks.
func missing(in, from *table.Schema) string {
	key := in.Columns[in.Key()[0]].Name
	return fmt.Sprintf("SELECT '%s', %s FROM %s a LEFT JOIN %s b ON %s WHERE b.%s IS NULL ORDER BY %s",
		in.Name, columns("a", in), quote(in.Name), quote(from.Name), sameKey(in), quote(key), orderOf("a", in))
}

// different finds the rows that two tables have under the same key.
func different(view, log *table.Schema) string {
	var differ []string
	for _, c := range view.Columns {
		if !c.Key {
			differ = append(differ, fmt.Sprintf("a.%s IS DISTINCT FROM b.%s", quote(c.Name), quote(c.Name)))
		}
	}
	if len(differ) == 0 {
		differ = []string{"1 = 0"}
	}
	return fmt.Sprintf("SELECT '', %s, %s FROM %s a JOIN %s b ON %s WHERE %s ORDER BY %s",
		columns("a", view), columns("b", log), quote(view.Name), quote(log.Name), sameKey(view), strings.Join(differ, " OR "), orderOf("a", view))
}

func columns(of string, s *table.Schema) string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = of + "." + quote(c.Name)
	}
	return strings.Join(names, ", ")
}

func sameKey(s *table.Schema) string {
	var same []string
	for _, i := range s.Key() {
		name := quote(s.Columns[i].Name)
		same = append(same, "a."+name+" = b."+name)
	}
	return strings.Join(same, " AND ")
}

func orderOf(of string, s *table.Schema) string {
	var keys []string
	for _, i := range s.Key() {
		keys = append(keys, of+"."+quote(s.Columns[i].Name))
	}
	return strings.Join(keys, ", ")
}

// quote is a checked name as SQL writes it.
func quote(name string) string { return `"` + name + `"` }
