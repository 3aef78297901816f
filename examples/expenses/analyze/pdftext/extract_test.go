package pdftext_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/ascii85"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze/pdftext"
)

const helvetica = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"

// pdf makes a file of one page. Objects 1 to 5 are the catalog, the page tree,
// the page, its content and its font; more may follow.
func pdf(content string, more ...string) []byte {
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1/Resources<</Font<</F1 5 0 R>>/XObject<</X1 6 0 R>>>>>>",
		"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>",
		streamOf("", content),
		helvetica,
	}
	return assemble(append(objects, more...), "trailer\n<</Root 1 0 R>>")
}

func streamOf(dict, data string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

func assemble(objects []string, trailer string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	for i, object := range objects {
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	b.WriteString(trailer + "\nstartxref\n0\n%%EOF\n")
	return b.Bytes()
}

func deflate(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func extract(t *testing.T, data []byte) string {
	t.Helper()
	text, err := pdftext.Extract(t.Context(), data, pdftext.Limits{})
	if err != nil {
		t.Errorf("Extract: %v", err)
	}
	return text
}

func expect(t *testing.T, data []byte, want string) {
	t.Helper()
	if got := extract(t, data); got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
}

func TestLinesInReadingOrder(t *testing.T) {
	t.Parallel()
	expect(t, pdf(`BT /F1 10 Tf 50 700 Td (second) Tj ET
BT /F1 10 Tf 1 0 0 1 300 712 Tm (11,55) Tj ET
BT /F1 10 Tf 1 0 0 1 50 712 Tm (first) Tj ET
BT /F1 10 Tf 14 TL 50 660 Td (after a gap) Tj T* (next) Tj (quoted) ' 1 2 (twice) " ET`),
		"first\t11,55\nsecond\n\nafter a gap\nnext\nquoted\ntwice")
}

func TestWordsAndKerning(t *testing.T) {
	t.Parallel()
	expect(t, pdf(`BT /F1 10 Tf 50 700 Td [(To)-10(t)20(al)-300(due)-3000(9.99)] TJ ET`), "Total due\t9.99")
	expect(t, pdf(`BT /F1 10 Tf 50 700 Td 3 Tc (l2) Tj 0 Tc (e) Tj 90 Tw ( far) Tj -2.7 Tw (Pr ix) Tj ET`), "l 2 e\tfarPrix")
	expect(t, pdf(`BT /F1 10 Tf 3 Tc 50 700 Td (INVOICE) Tj ET`), "INVOICE")
	expect(t, pdf(`BT /F1 10 Tf 50 700 Td (Bold) Tj ET BT /F1 10 Tf 50.2 700 Td (Bold) Tj ET`), "Bold")
	expect(t, pdf(`BT /F1 10 Tf 0 1 -1 0 50 700 Tm (sideways) Tj ET BT /F1 10 Tf 50 60 Td (upright) Tj ET`), "upright")
}

func TestStrings(t *testing.T) {
	t.Parallel()
	expect(t, pdf(`BT /F1 10 Tf 50 700 Td (a\(b\)c \(\\\) (nested) \101\12612\
3) Tj ET`), `a(b)c (\) (nested) AV123`)
	expect(t, pdf("BT /F1 10 Tf 50 700 Td (Caf\xe9 12 \\200) Tj <20426163 6B> Tj ET"), "Café 12 € Back")
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	show := `BT /F1 10 Tf 50 700 Td (A\201\202\203\204B) Tj ET`
	differences := "<</Type/Font/Subtype/Type1/Encoding<</Differences[129/Euro/eacute/uni00E7/germandbls.alt]>>>>"
	page := func(font string) []byte {
		return bytes.Replace(pdf(show), []byte(helvetica), []byte(font), 1)
	}
	expect(t, page(differences), "A€éçßB")
	expect(t, page("<</Type/Font/Subtype/Type1/Encoding/MacRomanEncoding>>"), "AÅÇÉÑB")
}

func TestCompositeFont(t *testing.T) {
	t.Parallel()
	cmap := `1 begincodespacerange <0000> <FFFF> endcodespacerange
2 beginbfchar <0001> <0054> <0002> <D83DDE00> endbfchar
2 beginbfrange <0010> <0012> <006F> <0020> <0021> [<0031> <00320033>] endbfrange`
	font := "<</Type/Font/Subtype/Type0/Encoding/Identity-H/DescendantFonts[7 0 R]/ToUnicode 8 0 R>>"
	data := pdf("BT /F1 10 Tf 50 700 Td <0001001000110012> Tj [<00200021> -2000 <0002>] TJ ET",
		"null", "<</Subtype/CIDFontType2/DW 600/W[1[500 700]16 18 550]>>", streamOf("", cmap))
	expect(t, bytes.Replace(data, []byte(helvetica), []byte(font), 1), "Topq123\t😀")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	content := "BT /F1 10 Tf 50 700 Td (packed) Tj ET"
	packed := deflate(content)
	encoded := make([]byte, ascii85.MaxEncodedLen(len(packed)))
	encoded = encoded[:ascii85.Encode(encoded, []byte(packed))]
	for name, stream := range map[string]string{
		"flate":         streamOf("/Filter/FlateDecode", packed),
		"in a list":     streamOf("/Filter[/FlateDecode]/DecodeParms[null]", packed),
		"two":           streamOf("/Filter[/ASCII85Decode/FlateDecode]", string(encoded)+"~>"),
		"hex":           streamOf("/Filter/ASCIIHexDecode", fmt.Sprintf("%x>", content)),
		"png predictor": streamOf("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>", deflate(pngRows(content, 4))),
		"wrong length":  strings.Replace(streamOf("/Filter/FlateDecode", packed), "/Length ", "/Length 9", 1),
		"no check sum":  streamOf("/Filter/FlateDecode", packed[:len(packed)-4]),
	} {
		data := bytes.Replace(pdf("CONTENT"), []byte(streamOf("", "CONTENT")), []byte(stream), 1)
		if got := extract(t, data); got != "packed" {
			t.Errorf("%s: text = %q", name, got)
		}
	}
}

// pngRows filters each row as the difference to the one above.
func pngRows(s string, width int) string {
	s += strings.Repeat(" ", (width-len(s)%width)%width)
	var b strings.Builder
	for i := 0; i < len(s); i += width {
		b.WriteByte(2)
		for j := range width {
			var above byte
			if i > 0 {
				above = s[i-width+j]
			}
			b.WriteByte(s[i+j] - above)
		}
	}
	return b.String()
}

func TestObjectStreams(t *testing.T) {
	t.Parallel()
	inner := []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Contents 10 0 R/Resources<</Font<</F1 5 0 R>>>>>>"}
	var header, body string
	for i, object := range inner {
		header += fmt.Sprintf("%d %d ", i+1, len(body))
		body += object + " "
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.5\n")
	fmt.Fprintf(&b, "9 0 obj\n%s\nendobj\n", streamOf(fmt.Sprintf("/Type/ObjStm/N 3/First %d/Filter/FlateDecode", len(header)), deflate(header+body)))
	fmt.Fprintf(&b, "10 0 obj\n%s\nendobj\n5 0 obj %s endobj\n", streamOf("", "BT /F1 9 Tf (inside) Tj ET"), helvetica)
	fmt.Fprintf(&b, "11 0 obj\n%s\nendobj\n%%%%EOF", streamOf("/Type/XRef/Root 1 0 R", ""))
	expect(t, b.Bytes(), "inside")
}

func TestChangedByAppending(t *testing.T) {
	t.Parallel()
	data := append(pdf("BT /F1 9 Tf (old) Tj ET"), []byte("4 0 obj\n"+streamOf("", "BT /F1 9 Tf (new) Tj ET")+"\nendobj\n")...)
	expect(t, data, "new")
}

func TestForms(t *testing.T) {
	t.Parallel()
	form := streamOf("/Subtype/Form/Matrix[1 0 0 1 0 -100]/Resources<</Font<</F9 5 0 R>>>>", "BT /F9 10 Tf 50 700 Td (form) Tj ET Q Q")
	expect(t, pdf("BT /F1 10 Tf 50 700 Td (page) Tj ET q /X1 Do Q BT /F1 10 Tf 50 500 Td (end) Tj ET", form), "page\n\nform\n\nend")
}

func TestInlineImageIsPassed(t *testing.T) {
	t.Parallel()
	expect(t, pdf("BI /W 9 /H 9 ID (((\x00 EIEI [[[ \xff\nEI BT /F1 9 Tf (after) Tj ET"), "after")
}

func TestNoText(t *testing.T) {
	t.Parallel()
	expect(t, pdf("0 0 100 100 re f"), "")
}

func TestErrors(t *testing.T) {
	t.Parallel()
	encrypted := assemble([]string{"<</Type/Catalog>>"}, "trailer\n<</Root 1 0 R/Encrypt 2 0 R>>")
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":     {nil, pdftext.ErrNotPDF},
		"other":     {[]byte("hello"), pdftext.ErrNotPDF},
		"header":    {[]byte("%PDF-1.4\n"), pdftext.ErrMalformed},
		"cut":       {pdf("BT ET")[:60], pdftext.ErrMalformed},
		"encrypted": {encrypted, pdftext.ErrEncrypted},
	} {
		if _, err := pdftext.Extract(t.Context(), c.data, pdftext.Limits{}); !errors.Is(err, c.want) {
			t.Errorf("%s: error = %v, want %v", name, err, c.want)
		}
	}
}

// Each of these makes a reader that trusts the file loop, recurse or allocate
// without bound.
func TestHostileFilesEnd(t *testing.T) {
	t.Parallel()
	long(t)
	bomb := deflate(strings.Repeat("BT /F1 9 Tf (x) Tj ET ", 1<<20))
	deep := deflate(strings.Repeat("[", 1<<20))
	for name, data := range map[string][]byte{
		"table of any size":   assemble([]string{"<</Type/Catalog>>"}, "xref\n8000000000 1\n0000000017 00000 n \ntrailer\n<</Size 9/Root 1 0 R>>"),
		"huge W":              assemble([]string{streamOf("/Type/XRef/Root 1 0 R/Size 99999999999/W[99999999999 9 9]", "x")}, ""),
		"pages in a circle":   assemble([]string{"<</Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 3 0 R 2 0 R]>>", "<</Kids[2 0 R]/Parent 3 0 R>>"}, "trailer <</Root 1 0 R>>"),
		"reference to itself": assemble([]string{"1 0 R", "2 0 R"}, "trailer <</Root 1 0 R>>"),
		"length of itself":    pdf("", "<</Length 6 0 R/Filter 6 0 R>>\nstream\nx\nendstream"),
		"form in itself":      pdf("/X1 Do", streamOf("/Subtype/Form", strings.Repeat("/X1 Do ", 100))),
		"stream in itself":    assemble([]string{streamOf("/Type/ObjStm/N 1 0 R/First 1 0 R", "1 0 2 0")}, "trailer <</Root 1 0 R>>"),
		"bomb":                bytes.Replace(pdf("C"), []byte(streamOf("", "C")), []byte(streamOf("/Filter/FlateDecode", bomb)), 1),
		"deep":                bytes.Replace(pdf("C"), []byte(streamOf("", "C")), []byte(streamOf("/Filter/FlateDecode", deep)), 1),
		"deep objects":        []byte("%PDF-1.4 " + strings.Repeat("1 0 obj [", 1<<16)),
		"open strings":        []byte("%PDF-1.4 " + strings.Repeat("1 0 obj (", 1<<16)),
		"open streams":        []byte("%PDF-1.4 " + strings.Repeat("1 0 obj <<>> stream ", 1<<15)),
		"open trailers":       []byte("%PDF-1.4 " + strings.Repeat("trailer <<", 1<<16)),
		"open comments":       []byte("%PDF-1.4 " + strings.Repeat("1 0 obj %", 1<<16)),
		"spaces":              []byte("%PDF-1.4 " + strings.Repeat("1 0 obj        ", 1<<16)),
		"wide ranges":         bytes.Replace(pdf("BT /F1 9 Tf (x) Tj ET", streamOf("", strings.Repeat("<00000000> <FFFFFFFF> <0041> endbfrange ", 1<<12))), []byte(helvetica), []byte("<</ToUnicode 6 0 R>>"), 1),
		"huge numbers":        pdf("BT /F1 1e308 Tf 99999999999999999999 0 0 9e999 0 -99999999999 Tm (x) Tj 9999999 Tc (x) Tj ET"),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		text, err := pdftext.Extract(ctx, data, pdftext.Limits{MaxWork: 8 << 20})
		cancel()
		if len(text) > 1<<20 || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %d bytes of text, error %v", name, len(text), err)
		}
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	bomb := deflate(strings.Repeat("BT /F1 9 Tf (x) Tj ET ", 1<<16))
	data := bytes.Replace(pdf("C"), []byte(streamOf("", "C")), []byte(streamOf("/Filter/FlateDecode", bomb)), 1)
	if _, err := pdftext.Extract(ctx, data, pdftext.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func TestLimitsPagesAndText(t *testing.T) {
	t.Parallel()
	kids := "3 0 R 4 0 R 5 0 R"
	data := assemble([]string{
		"<</Pages 2 0 R>>", "<</Kids[" + kids + "]/Resources<</Font<</F 6 0 R>>>>>>",
		"<</Contents 7 0 R>>", "<</Contents 7 0 R>>", "<</Contents 7 0 R>>", helvetica, streamOf("", "BT /F 9 Tf (äpage) Tj ET"),
	}, "trailer <</Root 1 0 R>>")
	for _, c := range []struct {
		limits pdftext.Limits
		pages  int
	}{{pdftext.Limits{}, 3}, {pdftext.Limits{MaxPages: 2}, 2}, {pdftext.Limits{MaxText: 9}, 1}} {
		text, err := pdftext.Extract(t.Context(), data, c.limits)
		if err != nil || strings.Count(text, "page") != c.pages {
			t.Errorf("%+v: %q, %v", c.limits, text, err)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add(pdf("BT /F1 10 Tf 50 700 Td [(To)-10(tal)] TJ ET"))
	f.Add(pdf("/X1 Do BI ID EI", streamOf("/Subtype/Form", "q 1 0 0 1 0 0 cm /X1 Do Q")))
	f.Add(assemble([]string{streamOf("/Type/ObjStm/N 1/First 4", "1 0 <</Pages 2 0 R>>")}, "trailer <</Root 1 0 R>>"))
	f.Add(assemble([]string{streamOf("/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 3>>", deflate("\x04abcdef"))}, ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := pdftext.Limits{MaxWork: 4 << 20, MaxText: 1000}
		text, _ := pdftext.Extract(t.Context(), data, limits)
		if len(text) > 1000 || !utf8.ValidString(text) {
			t.Errorf("text = %q", text)
		}
		if again, _ := pdftext.Extract(t.Context(), data, limits); again != text {
			t.Errorf("text = %q, then %q", text, again)
		}
	})
}
