package sqlquery

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/talix-dev/talix/internal/live"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

// maxLive is the most rows of a query that is watched.
const maxLive = maxLimit

// keyed tells the rows of a query that is watched apart.
type keyed struct{ at []int } // the result's columns

// live finds the columns that tell rows apart.
func (c *compiler) live() {
	q := c.q
	names := q.def.SQL.LiveKey
	if len(names) == 0 {
		for _, k := range q.def.SQL.Page {
			names = append(names, k.Column)
		}
	}
	if len(names) == 0 {
		c.fault("Live has to know what tells rows apart: name the columns, as in talix.Live(\"id\"), or add talix.PageBy")
		return
	}
	k := &keyed{}
	for _, name := range names {
		at := columnOf(q.text.columns, name)
		if at < 0 {
			c.fault("Live names the column %q, but the result has %s: add it to the SELECT, or name another", name, strings.Join(q.text.columns, ", "))
		}
		k.at = append(k.at, at)
	}
	q.live = k
}

// Watched is a live query for one input.
type Watched struct {
	q    *Query
	args []table.Arg
	id   string
	most int
}

var _ live.Source = (*Watched)(nil)

// Watch is the query for an input of type In, to be watched. Errors are of type
// *registry.Fault.
func (q *Query) Watch(in any) (*Watched, error) {
	if q.live == nil {
		return nil, registry.Faultf(registry.Internal, "the query %q is not live", q.def.Name).
			Because(fmt.Errorf("%s: query %q: add talix.Live to it", q.def.Place, q.def.Name))
	}
	input, args, err := q.given(in)
	if err != nil {
		return nil, err
	}
	w := &Watched{q: q, args: args, most: maxLive}
	if q.page == nil {
		w.id = q.idOf(args)
		return w, nil
	}
	if input.FieldByIndex(q.page.cursor).String() != "" {
		return nil, invalid("query.cursor", "a live query shows its first page: remove the cursor")
	}
	if w.most, err = q.limit(input); err != nil {
		return nil, err
	}
	w.args = append(w.args, table.Arg{Name: limitParam, Value: table.IntValue(int64(w.most))})
	w.id = q.idOf(w.args)
	return w, nil
}

func (q *Query) idOf(args []table.Arg) string {
	sum := q.digest(args)
	return q.def.Name + " " + hex.EncodeToString(sum[:])
}

// ID implements live.Source.
func (w *Watched) ID() string { return w.id }

// Tables implements live.Source.
func (w *Watched) Tables() []string { return w.q.tables }

// Rows implements live.Source.
func (w *Watched) Rows(ctx context.Context) ([]live.Row, error) {
	limited, cancel := context.WithTimeoutCause(ctx, w.q.cfg.Timeout, errSlow)
	defer cancel()
	var all []live.Row
	for values, err := range w.q.cfg.Tables.Query(limited, w.q.text.sql, w.args) {
		if err != nil {
			return nil, w.q.failed(limited, err)
		}
		if len(all) == w.most {
			return nil, w.q.internal(fmt.Errorf("the live query has more than %d rows: add talix.PageBy, so that its first page is shown, or narrow it", w.most))
		}
		key, err := w.key(values)
		if err != nil {
			return nil, w.q.internal(err)
		}
		all = append(all, live.Row{Key: key, Values: slices.Clone(values)})
	}
	return all, nil
}

// key is the text of the one key column, or a JSON array of several.
func (w *Watched) key(values []table.Value) (string, error) {
	at := w.q.live.at
	var parts []any
	for _, i := range at {
		switch v := values[i]; v.Kind() {
		case table.Text, table.Blob:
			parts = append(parts, v.Text())
		case table.Int:
			parts = append(parts, v.Int())
		case table.Float:
			parts = append(parts, v.Float())
		default:
			return "", fmt.Errorf("the column %q, which tells the rows of the live query apart, is NULL in a row: leave such rows out, or use coalesce", w.q.text.columns[i])
		}
	}
	if text, ok := parts[0].(string); ok && len(parts) == 1 {
		return text, nil
	}
	if len(parts) == 1 {
		return fmt.Sprint(parts[0]), nil
	}
	text, err := json.Marshal(parts)
	return string(text), err
}

// Decode implements live.Source.
func (w *Watched) Decode(row live.Row) (*registry.LiveRow, error) {
	v := reflect.New(w.q.def.SQL.Row)
	if err := w.q.text.read.Scan(v.Elem(), row.Values); err != nil {
		return nil, w.q.internal(err)
	}
	value := v.Interface()
	return &registry.LiveRow{Key: row.Key, Value: value, JSON: sync.OnceValues(func() ([]byte, error) { return encode(value) })}, nil
}

// encode writes JSON as answers have it.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
