// Package analyze reads a document's text and finds whether it is an expense:
// a receipt or an invoice with a vendor, a date, an amount and a currency.
package analyze

import (
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze/extract"
)

// Analyzer finds out what a file is. It may be called from many goroutines
// at once. Permanent tells whether to call it again after an error.
type Analyzer interface {
	Analyze(ctx context.Context, f File) (Analysis, error)
}

// File is a file to analyse.
type File struct {
	// Name and MediaType are what someone said of the file; what it is, is
	// read from its content.
	Name, MediaType string
	// Open reads the content from its start. It is called once and its
	// reader closed.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Analysis is what was found. With IsExpense, Amount and Currency are set;
// Vendor and Date are empty where the file does not say them.
type Analysis struct {
	IsExpense bool   `json:"isExpense"`
	Vendor    string `json:"vendor,omitempty"`
	Amount    string `json:"amount,omitempty"`   // exact: "11.55", "1200" in yen, negative in a credit note
	Currency  string `json:"currency,omitempty"` // ISO 4217: "EUR"
	Date      string `json:"date,omitempty"`     // ISO 8601: "2025-03-14"
	Reason    string `json:"reason,omitempty"`   // why it is taken for an expense, or why not, in a sentence
	Text      string `json:"text,omitempty"`     // the start of the file's text
}

// Errors beside those of the file's storage.
var (
	// ErrNeedsOCR: the file is a picture and tesseract is not installed. The
	// same file is analysed once it is; nothing has to be restarted.
	ErrNeedsOCR = extract.ErrNeedsOCR
	// ErrTooLarge: the file is larger than Config.MaxFile.
	ErrTooLarge = errors.New("the file is too large to analyse")
)

// Permanent says that the same file will fail again: it is damaged, empty, of
// an unknown kind or too large. Other errors pass, ErrNeedsOCR among them.
func Permanent(err error) bool {
	for _, known := range []error{extract.ErrUnsupported, extract.ErrUnreadable, extract.ErrNoText, ErrTooLarge} {
		if errors.Is(err, known) {
			return true
		}
	}
	refusal, ok := errors.AsType[*RemoteError](err)
	return ok && refusal.permanent()
}

// Config of what reads files. The zero value works.
type Config struct {
	// MaxFile is the largest file that is read, in bytes. Defaults to 32 MiB.
	MaxFile int64
	// MaxKept is how many bytes of the text an Analysis keeps. Defaults to
	// 16 KiB.
	MaxKept int
	// Currency, by its code of ISO 4217, is that of documents that name none
	// and that nothing else in them gives away. Local uses it. Defaults to
	// none: such documents are taken for no expense then.
	Currency string
	// Extract says how text is got out of a file. Its zero value works.
	Extract extract.Config
}

// source reads the text of files for the analyzers.
type source struct {
	config Config
	reader *extract.Reader
}

func newSource(config Config) source {
	if config.MaxFile <= 0 {
		config.MaxFile = 32 << 20
	}
	if config.MaxKept <= 0 {
		config.MaxKept = 16 << 10
	}
	return source{config, extract.New(config.Extract)}
}

func (s source) text(ctx context.Context, f File) (string, error) {
	data, err := s.read(ctx, f)
	if err != nil {
		return "", fmt.Errorf("read %q: %w", f.Name, err)
	}
	text, err := s.reader.Text(ctx, data)
	if err != nil {
		return "", fmt.Errorf("analyse %q: %w", f.Name, err)
	}
	return text, nil
}

func (s source) read(ctx context.Context, f File) ([]byte, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(r, s.config.MaxFile+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	if int64(len(data)) > s.config.MaxFile {
		return nil, fmt.Errorf("%w: at most %d bytes are read", ErrTooLarge, s.config.MaxFile)
	}
	return data, nil
}

// keep is the start of a text that an Analysis carries.
func (s source) keep(text string) string {
	if len(text) <= s.config.MaxKept {
		return text
	}
	cut := s.config.MaxKept
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
