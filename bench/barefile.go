package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// recordSize is the bytes of an event's data, everywhere.
const recordSize = 200

// bareFile is the limit of the machine: a file that was written full of zeros
// before, and is overwritten in turns from its beginning, so that a sync has
// nothing to do but the data.
type bareFile struct {
	file *os.File
	at   int64

	mu      sync.Mutex
	waiting []*record
	wake    chan struct{}
	done    chan struct{}
}

const bareSize = 64 << 20

// record is one caller's, used again for each append.
type record struct {
	data []byte
	done chan error
}

func newRecord() *record {
	return &record{data: make([]byte, recordSize), done: make(chan error, 1)}
}

// openBareFile makes the file and starts its writer.
func openBareFile(path string) (*bareFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make bare file: %w", err)
	}
	b := &bareFile{file: f, wake: make(chan struct{}, 1), done: make(chan struct{})}
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < bareSize && err == nil; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros, at)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, fmt.Errorf("fill bare file: %w", errors.Join(err, f.Close()))
	}
	go b.write()
	return b, nil
}

// append adds a record to the next group and waits until that is on the disk.
func (b *bareFile) append(r *record) error {
	b.mu.Lock()
	b.waiting = append(b.waiting, r)
	if len(b.waiting) == 1 {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	b.mu.Unlock()
	return <-r.done
}

// write is the group commit: it takes what waits, without a timer, writes it
// in one piece, syncs once and answers.
func (b *bareFile) write() {
	defer close(b.done)
	var group []*record
	var piece []byte
	for range b.wake {
		for {
			b.mu.Lock()
			group, b.waiting = b.waiting, group[:0]
			b.mu.Unlock()
			if len(group) == 0 {
				break
			}
			piece = piece[:0]
			for _, r := range group {
				piece = append(piece, r.data...)
			}
			err := b.appendAlone(piece)
			for _, r := range group {
				r.done <- err
			}
		}
	}
}

// appendAlone writes and syncs in the caller's goroutine. It must not be used
// beside append.
func (b *bareFile) appendAlone(piece []byte) error {
	if b.at+int64(len(piece)) > bareSize {
		b.at = 0
	}
	if _, err := b.file.WriteAt(piece, b.at); err != nil {
		return err
	}
	b.at += int64(len(piece))
	return syncData(b.file)
}

// close ends the writer. Nobody may append any more.
func (b *bareFile) close() error {
	close(b.wake)
	<-b.done
	return b.file.Close()
}
