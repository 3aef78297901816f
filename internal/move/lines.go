package move

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// maxLine is how long a line may be where nothing else is said.
const maxLine = 64 << 20

// scanner reads lines, and sums up those that are whole.
type scanner struct {
	in    *bufio.Reader
	max   int
	sum   hash.Hash
	line  int64 // the number of the last line, from one
	bytes int64 // of all lines so far
	buf   []byte
}

func newScanner(r io.Reader, max int) *scanner {
	if max <= 0 {
		max = maxLine
	}
	return &scanner{in: bufio.NewReaderSize(r, 1<<20), max: max, sum: sha256.New()}
}

var errCut = errors.New("it has no end")

// next reads a line without its newline, which is valid until the next call;
// io.EOF after the last one, and errCut if that has no newline.
func (s *scanner) next() ([]byte, error) {
	s.buf = s.buf[:0]
	for {
		part, err := s.in.ReadSlice('\n')
		if s.buf = append(s.buf, part...); len(s.buf) > s.max {
			return nil, fmt.Errorf("line %d has more than %d bytes: allow longer ones", s.line+1, s.max)
		}
		switch {
		case err == nil:
			s.line++
			s.bytes += int64(len(s.buf))
			return s.buf[:len(s.buf)-1], nil
		case errors.Is(err, io.EOF) && len(s.buf) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("line %d: %w", s.line+1, errCut)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("read line %d: %w", s.line+1, err)
		}
	}
}

// take adds the line that was read last to the sum.
func (s *scanner) take() { s.sum.Write(s.buf) }

func checksum(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }
