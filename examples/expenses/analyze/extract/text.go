// Package extract gets text out of files: plain text, HTML, PDF, and pictures
// where the program tesseract is installed.
package extract

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix/examples/expenses/analyze/charset"
	"github.com/talix-dev/talix/examples/expenses/analyze/pdftext"
)

// Errors of Text. But for ErrNeedsOCR and ErrBusy they are for good: the same
// file has no text at another time either.
var (
	// ErrNeedsOCR ends when the program is installed; no restart is needed.
	ErrNeedsOCR = errors.New("the file is a picture, which is analysed once the program tesseract is installed (on Debian: apt-get install tesseract-ocr)")
	// ErrTimedOut: reading the text took longer than Config.Timeout.
	ErrTimedOut = errors.New("reading the file's text took too long")
	// ErrUnsupported: neither text, HTML, PDF, PNG nor JPEG.
	ErrUnsupported = errors.New("the file is neither text, HTML, PDF, PNG nor JPEG")
	// ErrUnreadable: a PDF or a picture that is damaged or encrypted.
	ErrUnreadable = errors.New("the file can't be read")
	// ErrNoText: nothing to read in it, such as a PDF of scanned pages.
	ErrNoText = errors.New("the file has no text in it (of a scan, store the picture as PNG or JPEG)")
)

// Config of a Reader. The zero value works.
type Config struct {
	// MaxText is how many bytes of text are kept. Defaults to 256 KiB.
	MaxText int
	// MaxPages is how many pages of a PDF are read. Defaults to 30.
	MaxPages int
	// MaxPixels is the largest picture that is read. Defaults to 50 million.
	MaxPixels int
	// Timeout bounds the work on one file. Defaults to 60 s.
	Timeout time.Duration
	// Tesseract is the program for pictures, by name or by path. Defaults to
	// "tesseract".
	Tesseract string
}

// Reader gets text out of files. It may be used from many goroutines at once.
type Reader struct{ config Config }

// New makes a reader.
func New(config Config) *Reader {
	if config.MaxText <= 0 {
		config.MaxText = 256 << 10
	}
	if config.MaxPages <= 0 {
		config.MaxPages = 30
	}
	if config.MaxPixels <= 0 {
		config.MaxPixels = 50_000_000
	}
	if config.Timeout <= 0 {
		config.Timeout = time.Minute
	}
	if config.Tesseract == "" {
		config.Tesseract = "tesseract"
	}
	return &Reader{config}
}

// Text gives a file's text as valid UTF-8, in lines, with tabs between the
// columns of tables. It is never empty without an error.
func (r *Reader) Text(ctx context.Context, data []byte) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.config.Timeout, ErrTimedOut)
	defer cancel()
	text, err := r.read(ctx, data)
	if ctx.Err() != nil {
		return "", fmt.Errorf("read the text: %w", context.Cause(ctx))
	}
	if err != nil {
		return "", err
	}
	text = r.bound(text)
	if strings.TrimSpace(text) == "" {
		return "", ErrNoText
	}
	return text, nil
}

func (r *Reader) read(ctx context.Context, data []byte) (string, error) {
	switch Sniff(data) {
	case Plain:
		return charset.Decode(data[:min(len(data), 4*r.config.MaxText)]), nil
	case HTML:
		return fromHTML(charset.Decode(data), r.config.MaxText), nil
	case PDF:
		return r.fromPDF(ctx, data)
	case PNG, JPEG:
		return r.fromPicture(ctx, data)
	}
	return "", ErrUnsupported
}

func (r *Reader) fromPDF(ctx context.Context, data []byte) (string, error) {
	text, err := pdftext.Extract(ctx, data, pdftext.Limits{MaxPages: r.config.MaxPages, MaxText: r.config.MaxText})
	if err != nil && ctx.Err() == nil {
		return "", fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return text, err
}

// bound cuts the text, makes its line ends plain and drops zeros.
func (r *Reader) bound(text string) string {
	text = text[:min(len(text), r.config.MaxText)]
	return lineEnds.Replace(strings.ToValidUTF8(text, ""))
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", "\n", "\x00", "")
