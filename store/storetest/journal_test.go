package storetest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

// journal is the smallest durable store: one in memory, and a file of what was
// done to it, which is done again when it is opened.
type journal struct {
	store.Store
	store.Keeper
	identity store.ID
	faults   faults

	mu      sync.Mutex
	file    *os.File
	pending []byte // what a faulty journal has not written yet
	tail    []byte // what it writes when it is closed
}

// faults of a journal.
type faults struct {
	newIdentity, noResults, noMarks, noRecords, noTrims, lastLost bool // when it is opened again
	late                                                          bool // acknowledges before it writes
	halves                                                        bool // writes each append by itself, the last one when it is closed
	marksApart, recordsApart                                      bool // writes them by themselves, when it is closed
}

// entry is one thing done to the store.
type entry struct {
	Identity  store.ID
	Partition store.Partition
	Batches   []store.Batch
	Before    time.Time
	Max       int
}

func openJournal(dir string, f faults) (store.Store, error) {
	file, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	s := memory.New(memory.Config{})
	j := &journal{Store: s, Keeper: s, file: file, faults: f}
	if err := j.replay(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if j.identity.IsZero() || f.newIdentity {
		j.identity = j.Store.Identity()
		err = j.write(entry{Identity: j.identity})
	}
	return j, err
}

func (j *journal) Identity() store.ID { return j.identity }

// replay does again what is whole, and cuts off what is not.
func (j *journal) replay() error {
	content, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	var entries []entry
	good := int64(0)
	for {
		e, n := parse(content[good:])
		if n == 0 {
			break
		}
		entries, good = append(entries, e), good+n
	}
	if j.faults.lastLost && len(entries) > 2 {
		entries = entries[:len(entries)-1]
	}
	for _, e := range entries {
		j.redo(e)
	}
	_, err = j.file.Seek(good, io.SeekStart)
	return errors.Join(err, j.file.Truncate(good))
}

func (j *journal) redo(e entry) {
	if !e.Identity.IsZero() {
		j.identity = e.Identity
	}
	for i := range e.Batches {
		if j.faults.noResults {
			e.Batches[i].Key = store.ID{}
		}
		if j.faults.noMarks {
			e.Batches[i].Marks = nil
		}
		if j.faults.noRecords {
			e.Batches[i].Records = nil
		}
	}
	j.Store.Commit(context.Background(), e.Partition, e.Batches)
	if e.Max > 0 && !j.faults.noTrims {
		j.Store.Trim(context.Background(), e.Before, e.Max)
	}
}

// parse reads the first entry and tells how long it is; zero if it is not whole.
func parse(content []byte) (e entry, n int64) {
	if len(content) < 8 {
		return e, 0
	}
	size, sum := binary.LittleEndian.Uint32(content), binary.LittleEndian.Uint32(content[4:])
	if content = content[8:]; uint32(len(content)) < size || crc32.ChecksumIEEE(content[:size]) != sum {
		return e, 0
	}
	if gob.NewDecoder(bytes.NewReader(content[:size])).Decode(&e) != nil {
		return e, 0
	}
	return e, int64(size) + 8
}

func (j *journal) write(e entry) error {
	content := append(j.pending, encode(e)...)
	j.pending = nil
	if j.faults.late && len(content) < 1<<20 {
		j.pending = content
		return nil
	}
	_, err := j.file.Write(content)
	return err
}

func encode(e entry) []byte {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	if err := gob.NewEncoder(&b).Encode(e); err != nil {
		panic(err) // the type is fixed
	}
	content := b.Bytes()
	binary.LittleEndian.PutUint32(content, uint32(len(content)-8))
	binary.LittleEndian.PutUint32(content[4:], crc32.ChecksumIEEE(content[8:]))
	return content
}

func (j *journal) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.Store.Commit(ctx, p, batches)
	var kept []store.Batch
	for i, o := range out {
		if o.Status == store.Durable {
			kept = append(kept, batches[i])
		}
	}
	if len(kept) == 0 {
		return out
	}
	if err := j.keep(entry{Partition: p, Batches: kept}); err != nil {
		for i := range out {
			out[i] = store.Outcome{Status: store.Unknown, Err: err}
		}
	}
	return out
}

// keep writes an entry as well as the journal's faults allow.
func (j *journal) keep(e entry) error {
	last := &e.Batches[len(e.Batches)-1]
	late := entry{Partition: e.Partition}
	switch n := len(last.Appends); {
	case j.faults.halves && n > 1:
		late.Batches = []store.Batch{{Appends: last.Appends[n-1:]}}
		last.Appends = last.Appends[:n-1]
	case j.faults.marksApart:
		for i := range e.Batches {
			late.Batches = append(late.Batches, store.Batch{Marks: e.Batches[i].Marks})
			e.Batches[i].Marks = nil
		}
	case j.faults.recordsApart:
		for i := range e.Batches {
			late.Batches = append(late.Batches, store.Batch{Records: e.Batches[i].Records})
			e.Batches[i].Records = nil
		}
	}
	err := j.write(e)
	if late.Batches != nil {
		j.tail = append(j.tail, encode(late)...)
	}
	return err
}

func (j *journal) Trim(ctx context.Context, before time.Time, max int) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, err := j.Store.Trim(ctx, before, max)
	if err != nil {
		return n, err
	}
	return n, j.write(entry{Before: before, Max: max})
}

func (j *journal) Close() error {
	err := j.Store.Close()
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = j.file.Write(append(j.pending, j.tail...))
	if closed := j.file.Close(); !errors.Is(closed, os.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

func sound() storetest.Factory {
	return storetest.Factory{
		Open:     func(_ *testing.T, dir string) (store.Store, error) { return openJournal(dir, faults{}) },
		Features: storetest.Features{Durable: true},
	}
}

func TestDurableStorePasses(t *testing.T) {
	t.Parallel()
	storetest.Run(t, sound())
}
