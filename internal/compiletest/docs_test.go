package compiletest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// The code of every page stands in a file that is compiled: in a package, an
// example, a test, or below testdata, where testdata/guide has what stands
// nowhere else. Each part between blank lines is looked for on its own, without
// regard to white space; … in it stands for anything that was left out.
func TestCodeOfPages(t *testing.T) {
	t.Parallel()
	files, parts := compiled(t), 0
	for _, page := range pages(t) {
		code := goCode(read(t, page))
		if page == filepath.Join(root, "README.md") {
			code = code[1:] // a whole program, which TestReadme compiles
		}
		for _, block := range code {
			for part := range strings.SplitSeq(block, "\n\n") {
				parts++
				if !standsIn(files, part) {
					t.Errorf("%s: no file that is compiled has this part; quote an example, or write it in internal/compiletest/testdata/guide:\n%s", page, part)
				}
			}
		}
	}
	if parts < 30 {
		t.Errorf("only %d parts were found", parts)
	}
}

func TestGuideCompiles(t *testing.T) {
	t.Parallel()
	if out, err := compile(t, "./testdata/guide"); err != nil {
		t.Errorf("it does not compile: %s", out)
	}
}

// The search above can fail.
func TestStandsIn(t *testing.T) {
	t.Parallel()
	files := []string{words("func f() {\n\ta()\n\tb()\n}"), words("c()")}
	for part, want := range map[string]bool{
		"a()\nb()": true, "\ta()  b()\n": true, "func f() {\n…\nb()": true, "…": true,
		"a()b()": false, "b()\n…\na()": false, "a()\n…\nc()": false, "d()": false,
	} {
		if standsIn(files, part) != want {
			t.Errorf("%q: want %t", part, want)
		}
	}
}

// standsIn reports whether one of the files has the part.
func standsIn(files []string, part string) bool {
	for _, file := range files {
		found, rest := true, file
		for piece := range strings.SplitSeq(part, "…") {
			if _, rest, found = strings.Cut(rest, words(piece)); !found {
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }

var block = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// goCode is the blocks of Go in a page.
func goCode(page string) (code []string) {
	for _, m := range block.FindAllStringSubmatch(page, -1) {
		code = append(code, m[1])
	}
	return code
}

// pages are the files that tell users and contributors of the code, but for the
// decisions: those say what was so on their day.
func pages(t *testing.T) (files []string) {
	t.Helper()
	for _, file := range documents(t) {
		if !strings.HasPrefix(file, filepath.Join(root, "docs", "adr")) {
			files = append(files, file)
		}
	}
	return files
}

// documents are the files of Markdown that are read as pages.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	walk(t, filepath.Join(root, "docs"), func(file string) {
		if filepath.Ext(file) == ".md" {
			files = append(files, file)
		}
	})
	return files
}

// compiled is the words of every Go file of the module that the tests compile.
func compiled(t *testing.T) (files []string) {
	t.Helper()
	walk(t, root, func(file string) {
		if filepath.Ext(file) != ".go" {
			return
		}
		source := read(t, file)
		ours := strings.HasPrefix(file, filepath.Join(root, "internal", "compiletest"))
		if strings.Contains(file, "testdata") && (!ours || strings.HasPrefix(source, "// want: ")) {
			return
		}
		files = append(files, words(source))
	})
	return files
}

// walk visits the files below a folder, without those of other modules.
func walk(t *testing.T, dir string, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			visit(file)
			return nil
		}
		_, err = os.Stat(filepath.Join(file, "go.mod"))
		if file != dir && (err == nil || d.Name() == ".git") {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
