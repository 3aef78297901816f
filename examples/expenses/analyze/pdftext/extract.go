// Package pdftext reads the text layer of PDF files that strangers give: in
// reading order, in bounded time and memory, whatever the file holds.
//
// It takes no notice of a file's cross-reference table and finds the objects
// by looking for them, so a damaged table does not matter, and none can make
// it loop or allocate. It reads no encrypted files, no LZW streams and no
// text that is drawn as pictures.
package pdftext

import (
	"bytes"
	"context"
	"errors"
	"strings"
)

// Errors of Extract.
var (
	ErrNotPDF    = errors.New("the file is no PDF")
	ErrEncrypted = errors.New("the PDF is encrypted: store it without a password")
	ErrMalformed = errors.New("the PDF is damaged: no page can be found in it")
	ErrTooMuch   = errors.New("the PDF takes too much work to read")
)

// Limits of one extraction. The zero value takes the defaults.
type Limits struct {
	MaxPages int   // pages read, from the first. Defaults to 30
	MaxText  int   // bytes of text. Defaults to 1 MiB
	MaxWork  int64 // bytes looked at, each time they are. Defaults to 256 MiB
}

func (l Limits) withDefaults() Limits {
	if l.MaxPages <= 0 {
		l.MaxPages = 30
	}
	if l.MaxText <= 0 {
		l.MaxText = 1 << 20
	}
	if l.MaxWork <= 0 {
		l.MaxWork = 256 << 20
	}
	return l
}

// Extract gives the text of a PDF: a line of text for a line on the page,
// with tabs between columns and an empty line where the page has a gap. It is
// empty if the pages have no text layer. Of a file that is too much work it
// gives what was read, unless that is nothing.
func Extract(ctx context.Context, data []byte, limits Limits) (string, error) {
	if !bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return "", ErrNotPDF
	}
	limits = limits.withDefaults()
	f := &file{data: data, work: &work{ctx: ctx, left: limits.MaxWork}, objects: map[int]place{}}
	f.index()
	if f.encrypted {
		return "", ErrEncrypted
	}
	pages := f.pages(limits.MaxPages)
	text := f.text(pages, limits.MaxText)
	return text, f.fault(ctx, pages, text)
}

func (f *file) text(pages []page, limit int) string {
	var b strings.Builder
	fonts := map[ref]*font{}
	for _, p := range pages {
		in := &interpreter{file: f, fonts: fonts}
		in.page(p)
		b.WriteString(layout(in.fragments))
		b.WriteString("\n")
		if b.Len() > limit || f.work.exhausted() {
			break
		}
	}
	text := b.String()
	return strings.TrimSpace(strings.ToValidUTF8(text[:min(len(text), limit)], ""))
}

func (f *file) fault(ctx context.Context, pages []page, text string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case text == "" && f.work.exhausted():
		return ErrTooMuch
	case len(pages) == 0:
		return ErrMalformed
	}
	return nil
}
