package httpedge

import (
	"bufio"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// writeWithin bounds how long one write may wait for a caller that does not
// read.
const writeWithin = 30 * time.Second

// wire writes an answer that takes long. A write that no one takes fails.
type wire struct {
	x       *exchange
	control *http.ResponseController
}

// open begins an answer that takes long.
func (x *exchange) open(mediaType string) *wire {
	h := x.w.Header()
	h["Content-Type"] = []string{mediaType}
	h["X-Content-Type-Options"] = x.edge.fixed.nosniff
	h["Cache-Control"] = x.edge.fixed.noStore
	h["Vary"] = x.edge.fixed.vary
	if !x.req.Correlation.IsZero() {
		h["Talix-Correlation"] = []string{x.req.Correlation.String()}
	}
	x.written = true
	w := &wire{x, http.NewResponseController(x.w)}
	x.w.WriteHeader(http.StatusOK)
	return w
}

func (w *wire) Write(p []byte) (int, error) {
	if err := w.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.x.w.Write(p)
}

// Flush sends what was written.
func (w *wire) Flush() error {
	if err := w.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// close ends the answer; the connection serves others.
func (w *wire) close() { _ = w.control.SetWriteDeadline(time.Time{}) }

// rowWriter writes rows in some form.
type rowWriter interface {
	row(value any) error // a pointer to a row
	// fault ends rows that could not be read to their end.
	fault(p problem) error
}

// stream answers with all rows of a query, as they are read.
func (x *exchange) stream(form string, in any) error {
	if err := x.unpaged(); err != nil {
		return err
	}
	next, stop := iter.Pull2(x.edge.config.Backend.Each(x.r.Context(), x.route.query, in, x.req))
	defer stop()
	value, err, more := next()
	if err != nil {
		return err
	}
	w := x.open(mediaTypes(form))
	defer w.close()
	if x.r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(w, 32<<10)
	rows, err := x.rowWriter(form, out)
	for ; more && err == nil; value, err, more = next() {
		if err = rows.row(value); err != nil {
			break
		}
	}
	if out.Flush() != nil {
		panic(http.ErrAbortHandler) // the caller is gone, or does not read
	}
	if err != nil {
		_ = rows.fault(x.problemOf(err)) // the connection is cut anyway
		_, _ = out.Flush(), w.Flush()
		panic(http.ErrAbortHandler) // so that no one takes a part for the whole
	}
	return nil
}

func mediaTypes(form string) string {
	if form == formCSV {
		return "text/csv; charset=utf-8; header=present"
	}
	return form
}

// unpaged refuses a page of what is answered whole.
func (x *exchange) unpaged() error {
	if !x.route.in.paging {
		return nil
	}
	given := x.r.URL.Query()
	for _, name := range []string{"cursor", "limit"} {
		if given.Has(name) {
			x.fault("query."+name, "this form of the answer has all rows: remove it")
		}
	}
	if len(x.fields) > 0 {
		return &registry.Fault{Code: registry.Invalid, Message: invalidInput, Fields: x.fields}
	}
	return nil
}

func (x *exchange) rowWriter(form string, out *bufio.Writer) (rowWriter, error) {
	if form == formCSV {
		return newCSV(out, x.route.query.SQL.Row)
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return lines{enc}, nil
}

// lines writes one JSON object a line.
type lines struct{ enc *json.Encoder }

func (l lines) row(value any) error { return l.enc.Encode(value) }

func (l lines) fault(p problem) error {
	return l.enc.Encode(struct {
		Error problem `json:"error"`
	}{p})
}
