package extract_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze/extract"
)

func text(t *testing.T, data string) string {
	t.Helper()
	got, err := extract.New(extract.Config{}).Text(t.Context(), []byte(data))
	if err != nil {
		t.Errorf("Text(%.40q): %v", data, err)
	}
	return got
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]extract.Kind{
		"":                                   extract.Plain,
		"Total 12,00 €":                      extract.Plain,
		"Caf\xe9 12,00 \x80":                 extract.Plain,
		"\xff\xfea\x00b\x00":                 extract.Plain,
		"a < b and c > d":                    extract.Plain,
		"\n <!DOCTYPE html><p>x":             extract.HTML,
		"<HTML lang=de>":                     extract.HTML,
		"<table border=1><tr>":               extract.HTML,
		"%PDF-1.7\n":                         extract.PDF,
		"\r\n junk %PDF-1.3":                 extract.PDF,
		"\x89PNG\r\n\x1a\n...":               extract.PNG,
		"\xff\xd8\xff\xe0..":                 extract.JPEG,
		"PK\x03\x04\x14\x00":                 extract.Other,
		"{\\rtf1\\ansi":                      extract.Other,
		"GIF89a...":                          extract.Other,
		"\x00\x01\x02\x03\x04\x05\x06\xf0ab": extract.Other,
	} {
		if got := extract.Sniff([]byte(in)); got != want {
			t.Errorf("Sniff(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\r\nb\rc\n":           "a\nb\nc\n",
		"Caf\xe9 \x80":          "Café €",
		"\xff\xfea\x00\xac\x20": "a€",
	} {
		if got := text(t, in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHTML(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`<html><head><title>no</title><style>p{}</style></head><body><script>if (a<b) x()</script><p>Caf&eacute; &euro;&nbsp;5</p></body>`: "Café €\u00a05",
		"<table><tr>\n<th>Item</th>\n<th>Price</th></tr>\n<tr><td>Tea</td><td> 2,50 </td></tr></table>after":                               "Item\tPrice\nTea\t2,50\n\nafter",
		"<table><tr><td><p>Total</p></td>\n<td><div>11.55</div></td></tr></table>":                                                         "Total\t11.55",
		"<table><tr><td><table><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></table></td><td>d</td></tr></table>":                       "a\nb\tc\n\nd",
		"<html><ul><li><span>Total</span><span>11.55</span></li><li>x</li></ul>":                                                           "Total 11.55\nx",
		"<html><b>1</b><sup>,55</sup> <i>EUR</i>":                                                                                          "1,55 EUR",
		"<html>one<br>two<br/><br>three<div>four</div>five":                                                                                "one\ntwo\nthree\nfour\nfive",
		"<html><dl><dt>Total</dt><dd>5</dd></dl>":                                                                                          "Total\t5",
		"<html><p>a</p><p>b":          "a\n\nb",
		"<html>a<script>never closed": "a",
	} {
		if got := text(t, in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTextIsBounded(t *testing.T) {
	t.Parallel()
	reader := extract.New(extract.Config{MaxText: 100})
	for _, in := range []string{strings.Repeat("ä", 1000), "<html>" + strings.Repeat("<p>ä", 1000), "<html>" + strings.Repeat("x", 1<<22)} {
		got, err := reader.Text(t.Context(), []byte(in))
		if len(got) > 100 || !utf8.ValidString(got) || err != nil && !errors.Is(err, extract.ErrNoText) {
			t.Errorf("Text(%.10q…) = %d bytes, %v", in, len(got), err)
		}
	}
}

func TestNoText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]error{
		"":                    extract.ErrNoText,
		" \n":                 extract.ErrNoText,
		"<html><body></body>": extract.ErrNoText,
		"PK\x03\x04":          extract.ErrUnsupported,
		"%PDF-1.4":            extract.ErrUnreadable,
		"%PDF-1.4 1 0 obj <</Pages 2 0 R>> 2 0 obj <</Kids[3 0 R]>> 3 0 obj <<>> trailer <</Root 1 0 R>>": extract.ErrNoText,
		"\x89PNG\r\n\x1a\n": extract.ErrUnreadable,
		"\xff\xd8\xff\xe0":  extract.ErrUnreadable,
	} {
		if got, err := extract.New(extract.Config{}).Text(t.Context(), []byte(in)); !errors.Is(err, want) || got != "" {
			t.Errorf("Text(%q) = %q, %v, want %v", in, got, err, want)
		}
	}
}

func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, width, height))
	img.Set(1, 1, color.White)
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPictureWithoutTesseract(t *testing.T) {
	t.Parallel()
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 9, 9)), nil); err != nil {
		t.Fatal(err)
	}
	reader := extract.New(extract.Config{Tesseract: "no-such-program"})
	for _, data := range [][]byte{picture(t, 9, 9), photo.Bytes()} {
		if _, err := reader.Text(t.Context(), data); !errors.Is(err, extract.ErrNeedsOCR) {
			t.Errorf("error = %v, want ErrNeedsOCR", err)
		}
	}
}

func TestLargePictureIsRefused(t *testing.T) {
	t.Parallel()
	reader := extract.New(extract.Config{Tesseract: "no-such-program", MaxPixels: 99})
	if _, err := reader.Text(t.Context(), picture(t, 10, 10)); !errors.Is(err, extract.ErrUnreadable) {
		t.Errorf("error = %v, want ErrUnreadable", err)
	}
}

// program writes a script that stands in for tesseract where the test is
// about a program that misbehaves.
func program(t *testing.T, script string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell: run this test on a system that has /bin/sh")
	}
	path := filepath.Join(t.TempDir(), "tesseract")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	return path
}

func TestProgramThatFails(t *testing.T) {
	t.Parallel()
	reader := extract.New(extract.Config{Tesseract: program(t, "cat >/dev/null; echo 'bad picture' >&2; exit 3")})
	_, err := reader.Text(t.Context(), picture(t, 9, 9))
	if !errors.Is(err, extract.ErrUnreadable) || !strings.Contains(err.Error(), "bad picture") {
		t.Errorf("error = %v", err)
	}
}

func TestProgramThatHangs(t *testing.T) {
	t.Parallel()
	reader := extract.New(extract.Config{Tesseract: program(t, "exec sleep 600"), Timeout: 50 * time.Millisecond})
	if _, err := reader.Text(t.Context(), picture(t, 9, 9)); !errors.Is(err, extract.ErrTimedOut) {
		t.Errorf("error = %v, want ErrTimedOut", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Text(ctx, picture(t, 9, 9)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func TestProgramThatWritesOn(t *testing.T) {
	t.Parallel()
	script := `[ "$1" = --list-langs ] && exit 0; cat >/dev/null; head -c 3000000 /dev/zero | tr '\0' x`
	reader := extract.New(extract.Config{Tesseract: program(t, script), MaxText: 1000})
	if got, err := reader.Text(t.Context(), picture(t, 9, 9)); err != nil || got != strings.Repeat("x", 1000) {
		t.Errorf("Text = %d bytes, %v", len(got), err)
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"a\tb", "<html><table><tr><td>a", "%PDF-1.4 1 0 obj", "\xff\xfea\x00", "<table><dd>&#0;&#xD800;"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := extract.New(extract.Config{MaxText: 500, Tesseract: "no-such-program"}).Text(t.Context(), data)
		if len(got) > 500 || !utf8.ValidString(got) || (got == "") != (err != nil) || strings.ContainsAny(got, "\x00\r") {
			t.Errorf("Text(%q) = %q, %v", data, got, err)
		}
	})
}
