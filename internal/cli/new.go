package cli

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed all:template
var templates embed.FS

func newCommand() command {
	return command{
		name: "new", args: "name", about: "Begin a project that runs and passes its tests",
		more: `It makes a folder of that name with a small program: an entity with its events,
commands, requests, a view with a query, and tests of each.

  talix new shop && cd shop && go test ./... && go run .

The folder must be missing or empty. The program is built with the talix that this
command is of: where that is a source folder, go.mod says so.`,
		plan: planNew,
	}
}

func planNew(f *flag.FlagSet) run {
	module := f.String("module", "", "`path` of the Go module, as in example.org/shop; the name if not given")
	local := f.String("local", "", "`folder` of talix's source to build with; TALIX_MODULE, or the one that this command was built from, if not given")
	return func(_ context.Context, c *call) error {
		if len(c.args) != 1 {
			return misused("name the project, as in talix new shop")
		}
		p, err := c.project(c.args[0], *module)
		if err == nil {
			err = p.find(c, *local)
		}
		if err == nil {
			err = p.make()
		}
		if err != nil {
			return err
		}
		c.tell(map[string]string{"folder": p.folder, "module": p.module}, "%s", p.next())
		return nil
	}
}

// project is what is to be made.
type project struct {
	folder, name, module string
	version              string // of talix
	source               string // its folder; empty: its version is a published one
	mod                  string // the text of its go.mod
	sum                  string // the text of its go.sum
}

func (c *call) project(folder, module string) (*project, error) {
	p := &project{folder: filepath.Clean(folder), name: filepath.Base(folder), module: module}
	if ok := regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`).MatchString(p.name); !ok {
		return nil, misused("%q is no name of a project: use small letters, digits and -, as in shop", p.name)
	}
	if p.module == "" {
		p.module = p.name
	}
	if ok := regexp.MustCompile(`^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$`).MatchString(p.module); !ok {
		return nil, misused("--module %q: write a module path, as in example.org/shop", p.module)
	}
	if first, _, _ := strings.Cut(p.module, "/"); slices.Contains(taken(), first) {
		return nil, misused("%q is a name of the Go distribution: add --module example.org/%s", first, p.name)
	}
	return p, nil
}

// taken are the first parts of the import paths of the standard library and of
// the go command.
func taken() []string {
	return strings.Fields(`archive arena bufio builtin bytes cmd cmp compress container context crypto database debug embed
		encoding errors expvar flag fmt go hash html image index internal io iter log main maps math mime net os path
		plugin reflect regexp runtime slices sort std strconv strings structs sync syscall test testing text time tool
		unicode unique unsafe vendor weak work`)
}

// self is the module path of talix.
const self = "github.com/talix-dev/talix"

// find finds the talix to build with.
func (p *project) find(c *call, local string) error {
	for _, folder := range []string{local, c.getenv("TALIX_MODULE"), c.Source} {
		if folder == "" {
			continue
		}
		return p.from(folder)
	}
	if c.Version == "" {
		return errors.New("this talix does not know where its source is: name the folder with --local or TALIX_MODULE")
	}
	p.version = c.Version
	return nil
}

// from builds with talix's source in a folder.
func (p *project) from(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return fmt.Errorf("find source: %w", err)
	}
	mod, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module "+self+"\n") {
		return fmt.Errorf("%s is not the source of talix: name the folder of its go.mod with --local or TALIX_MODULE", folder)
	}
	sum, err := os.ReadFile(filepath.Join(folder, "go.sum"))
	if err != nil {
		return fmt.Errorf("read source: %w", err)
	}
	p.version, p.source, p.mod, p.sum = "v0.0.0", filepath.ToSlash(folder), string(mod), string(sum)
	return nil
}

// make writes the project beside its folder, and then puts it there: there is
// all of it or nothing.
func (p *project) make() (err error) {
	if err := p.free(); err != nil {
		return err
	}
	parent := filepath.Dir(p.folder)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make project: %w", err)
	}
	temp, err := os.MkdirTemp(parent, "."+p.name+"-")
	if err != nil {
		return fmt.Errorf("make project: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := p.write(temp); err != nil {
		return err
	}
	_ = os.Remove(p.folder) // an empty one; whatever else is in the way fails what follows
	if err := os.Rename(temp, p.folder); err != nil {
		return fmt.Errorf("make project: %w", err)
	}
	return nil
}

// free refuses a folder in which there is something.
func (p *project) free() error {
	found, err := os.ReadDir(p.folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at folder: %w", err)
	case len(found) > 0:
		return fmt.Errorf("there is something in %s already: choose another name, or empty it", p.folder)
	}
	return nil
}

func (p *project) write(to string) error {
	if err := os.Chmod(to, 0o755); err != nil {
		return fmt.Errorf("make project: %w", err)
	}
	err := fs.WalkDir(templates, "template", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == modulesFile {
			return err
		}
		text, err := templates.ReadFile(name)
		if err != nil {
			return err
		}
		return put(to, p.place(name), p.fill(string(text)))
	})
	if err == nil {
		err = put(to, "go.mod", p.goMod())
	}
	if err == nil && p.sum != "" {
		err = put(to, "go.sum", p.sum)
	}
	if err != nil {
		return fmt.Errorf("write project: %w", err)
	}
	return nil
}

// place is where a template goes.
func (p *project) place(name string) string {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "template/"), ".tmpl")
	if name == "gitignore" {
		return ".gitignore"
	}
	return name
}

func put(folder, name, text string) error {
	file := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// fill puts the project's names into a template.
func (p *project) fill(text string) string {
	return strings.NewReplacer("{{name}}", p.name, "{{title}}", strings.ToUpper(p.name[:1])+p.name[1:], "{{module}}", p.module).Replace(text)
}

// next says how to go on.
func (p *project) next() string {
	tidy := ""
	if p.source == "" {
		tidy = "go mod tidy && "
	}
	return fmt.Sprintf("%s is made; next:\n  cd %s && %sgo test ./... && go run .", path.Base(p.module), p.folder, tidy)
}
