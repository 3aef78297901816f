package analyze_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/examples/expenses/analyze"
)

// sample is a document of the folder testdata with what is to be found in it.
type sample struct {
	File      string `json:"file"`
	IsExpense bool   `json:"isExpense"`
	Vendor    string `json:"vendor"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Date      string `json:"date"`
}

// least is how many samples of a set have to be right. The numbers may only
// rise. Of the pictures one may be wrong, since other versions of tesseract
// read other letters.
type least struct{ texts, pictures int }

var sets = map[string]least{
	"expected.json": {texts: 28, pictures: 3},
	"heldout.json":  {texts: 11, pictures: 1},
}

func TestSamples(t *testing.T) {
	t.Parallel()
	for set, want := range sets {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			kinds := measure(t, set)
			pictures := kinds["picture"]
			texts := kinds["txt"].right + kinds["html"].right + kinds["pdf"].right
			if texts < want.texts || pictures.right+pictures.skipped < want.pictures {
				t.Errorf("%d texts and %d pictures are right, want %d and %d", texts, pictures.right, want.texts, want.pictures)
			}
		})
	}
}

// tally counts the samples of one kind of file.
type tally struct{ right, wrong, skipped int }

// measure analyses a set and logs how many are right by kind of file.
func measure(t *testing.T, set string) map[string]tally {
	t.Helper()
	local := analyze.NewLocal(analyze.Config{})
	kinds := map[string]tally{}
	for _, s := range samples(t, set) {
		found, err := local.Analyze(t.Context(), fileOf(s.File))
		count := kinds[kindOf(s.File)]
		switch got := toSample(s.File, found); {
		case errors.Is(err, analyze.ErrNeedsOCR):
			count.skipped++
			t.Logf("skipped %s: to have pictures read, install tesseract (apt-get install tesseract-ocr)", s.File)
		case err == nil && got == s:
			count.right++
		default:
			count.wrong++
			t.Logf("wrong: %s: %v\n got %+v\nwant %+v\nbecause %s", s.File, err, got, s, found.Reason)
		}
		kinds[kindOf(s.File)] = count
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		count := kinds[kind]
		t.Logf("%s, %s: %d of %d right, %d skipped", set, kind, count.right, count.right+count.wrong, count.skipped)
	}
	return kinds
}

func kindOf(file string) string {
	switch ext := strings.TrimPrefix(filepath.Ext(file), "."); ext {
	case "png", "jpg":
		return "picture"
	default:
		return ext
	}
}

func toSample(file string, a analyze.Analysis) sample {
	return sample{file, a.IsExpense, a.Vendor, a.Amount, a.Currency, a.Date}
}

func samples(t *testing.T, set string) []sample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", set))
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func fileOf(name string) analyze.File {
	return analyze.File{Name: name, Open: func(context.Context) (io.ReadCloser, error) {
		return os.Open(filepath.Join("..", "testdata", name))
	}}
}
