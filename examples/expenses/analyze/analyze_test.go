package analyze_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze"
	"github.com/talix-dev/talix/examples/expenses/analyze/extract"
)

const receipt = "Corner Shop Ltd\nReceipt\n14 March 2025\nTea 2.50\nTotal £2.50\nCash £5.00\nChange £2.50\n"

func textFile(text string) analyze.File {
	return analyze.File{Name: "a.txt", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	got, err := analyze.NewLocal(analyze.Config{}).Analyze(t.Context(), textFile(receipt))
	if err != nil {
		t.Fatal(err)
	}
	want := analyze.Analysis{IsExpense: true, Vendor: "Corner Shop Ltd", Amount: "2.50", Currency: "GBP", Date: "2025-03-14", Text: receipt, Reason: got.Reason}
	if got != want || got.Reason == "" {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestKeptTextIsBounded(t *testing.T) {
	t.Parallel()
	local := analyze.NewLocal(analyze.Config{MaxKept: 11})
	got, err := local.Analyze(t.Context(), textFile("aääääääääää"))
	if err != nil || got.Text != "aäääää" || !utf8.ValidString(got.Text) {
		t.Errorf("Text = %q, %v", got.Text, err)
	}
}

func TestErrorsOfFiles(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	local := analyze.NewLocal(analyze.Config{MaxFile: 100, Extract: extract.Config{Tesseract: "no-such-program"}})
	opens := func(r io.Reader, err error) analyze.File {
		return analyze.File{Name: "a", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(r), err }}
	}
	for name, c := range map[string]struct {
		file      analyze.File
		want      error
		permanent bool
	}{
		"can't be opened": {opens(nil, broken), broken, false},
		"can't be read":   {opens(iotest.ErrReader(broken), nil), broken, false},
		"too large":       {textFile(strings.Repeat("a", 101)), analyze.ErrTooLarge, true},
		"empty":           {textFile(""), extract.ErrNoText, true},
		"zip":             {textFile("PK\x03\x04"), extract.ErrUnsupported, true},
		"pdf":             {textFile("%PDF-1.4"), extract.ErrUnreadable, true},
		"picture":         {textFile(tinyPNG), analyze.ErrNeedsOCR, false},
	} {
		got, err := local.Analyze(t.Context(), c.file)
		if !errors.Is(err, c.want) || analyze.Permanent(err) != c.permanent || got != (analyze.Analysis{}) {
			t.Errorf("%s: %+v, %v, permanent %t", name, got, err, analyze.Permanent(err))
		}
	}
}

// tinyPNG is a picture of one pixel.
const tinyPNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"
