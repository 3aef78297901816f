package move

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/store"
)

// ExportConfig says what to export.
type ExportConfig struct {
	From   store.Store
	Filter Filter
	IDs    *id.Source
	Now    func() time.Time
	Pace
}

// Exported is what an export did.
type Exported struct {
	Events   int64  `json:"events"` // in the whole export
	Bytes    int64  `json:"bytes"`
	Checksum string `json:"checksum"`
	// Complete tells that there was nothing to go on with.
	Complete bool `json:"complete,omitempty"`
}

// Export writes the events that a store has when it begins, as lines of JSON.
// When ctx ends, whole lines were written, and Resume can go on.
func Export(ctx context.Context, w io.Writer, c ExportConfig) (Exported, error) {
	x := newExporter(c, w, nil)
	h := header{
		Talix: "events", Format: format, Export: c.IDs.New(), Store: c.From.Identity(), Partitions: c.From.Partitions(),
		Filter: c.Filter, Time: c.Now().UTC().Truncate(time.Second),
	}
	if err := x.writeJSON(h); err != nil {
		return x.done, fmt.Errorf("export: %w", err)
	}
	return x.finish(ctx)
}

// File is what an export that was broken off is gone on with in; an *os.File.
type File interface {
	io.ReadWriteSeeker
	Truncate(size int64) error
}

// Resume goes on with an export that was broken off, by Export or by Resume. It
// cuts off what is half a line. An empty file is begun.
func Resume(ctx context.Context, f File, c ExportConfig) (Exported, error) {
	s := newScanner(f, 0)
	first, err := s.next()
	if errors.Is(err, io.EOF) || errors.Is(err, errCut) && s.line == 0 {
		if err := rewind(f, 0); err != nil {
			return Exported{}, err
		}
		return Export(ctx, f, c)
	}
	h, err := c.continues(first, err)
	if err != nil {
		return Exported{}, fmt.Errorf("resume export: %w", err)
	}
	s.take()
	at, last, err := survey(s, h)
	switch {
	case err != nil:
		return Exported{}, fmt.Errorf("resume export: %w", err)
	case last != nil:
		return Exported{Events: last.Events, Bytes: s.bytes, Checksum: last.Checksum, Complete: true}, nil
	}
	if err := rewind(f, at.bytes); err != nil {
		return Exported{}, err
	}
	x := newExporter(c, f, at.positions)
	x.sum, x.done.Events, x.done.Bytes = s.sum, at.events, at.bytes
	return x.finish(ctx)
}

func rewind(f File, to int64) error {
	err := f.Truncate(to)
	if err == nil {
		_, err = f.Seek(to, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("resume export: go to where it ended: %w", err)
	}
	return nil
}

// continues reads the header of what is to be gone on with.
func (c *ExportConfig) continues(first []byte, err error) (header, error) {
	var h header
	if err == nil {
		h, err = parseHeader(first)
	}
	switch {
	case err != nil:
	case h.Store != c.From.Identity() || h.Partitions != c.From.Partitions():
		err = fmt.Errorf("the file is of the store %v, and this one is %v: name the same store, or another file", h.Store, c.From.Identity())
	case !h.Filter.same(&c.Filter):
		err = errors.New("the file was begun with another filter: give the same one, or name another file")
	}
	return h, err
}

// end is where an export ended.
type end struct {
	positions     []store.Position
	events, bytes int64
}

// survey reads what was exported, up to the last whole line.
func survey(s *scanner, h header) (at end, last *trailer, err error) {
	at = end{positions: make([]store.Position, h.Partitions), bytes: s.bytes}
	for {
		text, err := s.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errCut) {
			return at, nil, nil
		}
		if err != nil {
			return at, nil, err
		}
		e, isEnd, err := parseEvent(text)
		switch {
		case err != nil:
			return at, nil, fmt.Errorf("line %d: %w: export to another file", s.line, err)
		case isEnd:
			last = new(trailer)
			err := json.Unmarshal(text, last)
			return at, last, err
		case e.Partition < 0 || int(e.Partition) >= len(at.positions):
			return at, nil, fmt.Errorf("line %d: there is no partition %d: export to another file", s.line, e.Partition)
		}
		s.take()
		at.positions[e.Partition] = e.Position
		at.events, at.bytes = at.events+1, s.bytes
	}
}

// exporter writes lines.
type exporter struct {
	ExportConfig
	out  *bufio.Writer
	sum  hash.Hash
	at   []store.Position
	done Exported
	buf  []byte
}

func newExporter(c ExportConfig, w io.Writer, at []store.Position) *exporter {
	return &exporter{ExportConfig: c, out: bufio.NewWriterSize(w, 1<<20), sum: sha256.New(), at: at}
}

func (x *exporter) writeJSON(v any) error {
	data, err := json.Marshal(v)
	if err == nil {
		err = x.write(append(data, '\n'))
	}
	return err
}

func (x *exporter) write(text []byte) error {
	x.sum.Write(text)
	x.done.Bytes += int64(len(text))
	_, err := x.out.Write(text)
	return err
}

// finish writes the events that are left, and the last line.
func (x *exporter) finish(ctx context.Context) (Exported, error) {
	err := x.events(ctx)
	if err == nil {
		x.done.Checksum = checksum(x.sum)
		err = x.writeJSON(trailer{true, x.done.Events, x.done.Checksum})
	}
	if flushed := x.out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		return x.done, fmt.Errorf("export: %w", err)
	}
	return x.done, nil
}

func (x *exporter) events(ctx context.Context) error {
	r, err := read(ctx, x.From, x.at)
	if err != nil {
		return err
	}
	m := x.meter("events", "events", r.done(), r.total())
	for {
		events, err := r.take(ctx, x.portion())
		if err != nil || len(events) == 0 {
			return err
		}
		n := 0
		for i := range events {
			if !x.Filter.Wants(&events[i]) {
				continue
			}
			n++
			x.buf = appendEvent(x.buf[:0], &events[i])
			if err := x.write(x.buf); err != nil {
				return err
			}
		}
		x.done.Events += int64(n)
		if err := x.out.Flush(); err != nil {
			return err
		}
		if err := m.at(ctx, r.done(), n); err != nil {
			return err
		}
	}
}
