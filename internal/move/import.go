package move

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/store"
)

// ImportConfig says what to import.
type ImportConfig struct {
	To     Store
	Filter Filter
	IDs    *id.Source
	// Size is how many bytes there are to read. Defaults to unknown.
	Size int64
	// MaxLine bounds the bytes of a line. Defaults to 64 MiB.
	MaxLine int
	// Partial takes an export that was broken off.
	Partial bool
	// Again reads from the front what an import that was broken off has
	// brought in already, and compares it.
	Again bool
	Pace
}

// Imported is what an import did.
type Imported struct {
	Lines int64 `json:"lines"` // that were read
	// Added are the events that the store did not have yet; Same are those that
	// it had.
	Added int64 `json:"added"`
	Same  int64 `json:"same"`
}

// importState is how far an import is: which lines the store has all events of.
type importState struct {
	Lines  int64  `json:"lines"`
	Sum    string `json:"sum"` // of those lines
	Filter Filter `json:"filter,omitzero"`
}

// Import reads an export and appends its events to a store, in order. What the
// store has already is compared: another event in the place of one is a
// *Difference. Events that do not follow on what the store has are an error. A
// line that cannot be read ends it, and is named; the events before it are
// durable then, as after everything else that ends it, and the same Import goes
// on after them.
//
// It brings events alone: to the actions of the store's programs they are new.
func Import(ctx context.Context, r io.Reader, c ImportConfig) (Imported, error) {
	m := importer{ImportConfig: c, in: newScanner(r, c.MaxLine), to: appender{c.To}}
	err := whole(ctx, c.To)
	if err == nil {
		err = m.run(ctx)
	}
	if err != nil {
		return m.did, fmt.Errorf("import: %w", err)
	}
	return m.did, nil
}

type importer struct {
	ImportConfig
	in     *scanner
	to     appender
	key    string
	header header
	state  importState // what is durable
	chunk  []store.Event
	size   int
	meter  *meter
	did    Imported
}

func (m *importer) run(ctx context.Context) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	m.meter = m.Pace.meter("events", "bytes", m.in.bytes, m.Size)
	for {
		ended, err := m.line()
		if err != nil || ended || len(m.chunk) >= m.portion() || m.size >= chunkBytes {
			if flushed := m.flush(ctx); flushed != nil {
				return flushed
			}
		}
		if ended || errors.Is(err, ErrDifferent) { // of a mended file, other lines are to be read
			err = errors.Join(err, save(ctx, m.To, store.ID{}, m.key, nil))
		}
		if ended || err != nil {
			return err
		}
	}
}

// begin reads the header, and what an earlier import has brought in.
func (m *importer) begin(ctx context.Context) error {
	text, err := m.in.next()
	if errors.Is(err, io.EOF) {
		return errors.New("there is nothing to read")
	}
	if err != nil {
		return err
	}
	if m.header, err = parseHeader(text); err != nil {
		return fmt.Errorf("line 1: %w", err)
	}
	m.in.take()
	m.key = "import/" + m.header.Export.String()
	var earlier importState
	found, err := load(ctx, m.To, m.key, &earlier)
	if err != nil || !found || m.Again || !earlier.Filter.same(&m.Filter) {
		return err
	}
	return m.skip(earlier)
}

// skip passes over the lines that the store has all events of.
func (m *importer) skip(earlier importState) error {
	for m.in.line < earlier.Lines {
		if _, err := m.in.next(); err != nil {
			return fmt.Errorf("pass over what was imported before: %w", err)
		}
		m.in.take()
	}
	if hex.EncodeToString(m.in.sum.Sum(nil)) != earlier.Sum {
		return fmt.Errorf("the first %d lines are not those that were imported before: give the same file, or begin again (--again)", earlier.Lines)
	}
	m.state = earlier
	m.did.Lines = m.in.line
	return nil
}

// line reads a line; ended: it was the last.
func (m *importer) line() (ended bool, err error) {
	text, err := m.in.next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, errCut):
		if m.Partial {
			return true, nil
		}
		return false, fmt.Errorf("the export ends without its last line, after line %d: it was broken off; go on with it (talix export --resume), or take what is there (--partial)", m.in.line)
	case err != nil:
		return false, err
	}
	e, ended, err := parseEvent(text)
	if err == nil && ended {
		return true, m.end(text)
	}
	if err != nil {
		return false, fmt.Errorf("line %d: %w", m.in.line, err)
	}
	m.in.take()
	m.did.Lines = m.in.line
	if m.Filter.Wants(&e) {
		m.chunk, m.size = append(m.chunk, e), m.size+len(e.Data)+len(e.Metadata)
	}
	return false, nil
}

// end compares what was read with what the last line says.
func (m *importer) end(text []byte) error {
	var t trailer
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("line %d: %w", m.in.line, err)
	}
	if events := m.in.line - 2; events != t.Events {
		return fmt.Errorf("%w: the last line tells of %d events, and %d were read: lines are missing or were added", ErrDifferent, t.Events, events)
	}
	if checksum(m.in.sum) != t.Checksum {
		return fmt.Errorf("%w: the checksum of the last line is not that of what was read: lines were changed", ErrDifferent)
	}
	m.did.Lines = m.in.line
	return nil
}

// flush appends what was read, and remembers that.
func (m *importer) flush(ctx context.Context) error {
	added, err := m.to.put(ctx, m.chunk)
	m.did.Added += int64(added)
	if err != nil {
		return err
	}
	m.did.Same += int64(len(m.chunk) - added)
	m.state = importState{Lines: m.did.Lines, Sum: hex.EncodeToString(m.in.sum.Sum(nil)), Filter: m.Filter}
	if err := save(ctx, m.To, m.IDs.New(), m.key, &m.state); err != nil {
		return err
	}
	n := len(m.chunk)
	m.chunk, m.size = m.chunk[:0], 0
	return m.meter.at(ctx, m.in.bytes, n)
}
