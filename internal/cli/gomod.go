package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// modulesFile names the modules that a project needs through talix: those of
// standalone and talixtest.
const modulesFile = "template/modules"

func needs() string {
	text, err := templates.ReadFile(modulesFile)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// goMod is the project's go.mod. It names all modules that are needed, so that
// the go command has nothing to add.
func (p *project) goMod() string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo %s\n\nrequire %s %s\n", p.module, p.goVersion(), self, p.version)
	if p.source == "" {
		return b.String()
	}
	b.WriteString("\nrequire (\n")
	for _, r := range required(p.mod) {
		if strings.Contains("\n"+needs(), "\n"+r[0]+"\n") {
			fmt.Fprintf(&b, "\t%s %s // indirect\n", r[0], r[1])
		}
	}
	folder := p.source
	if !regexp.MustCompile(`^[A-Za-z0-9_./:~+-]+$`).MatchString(folder) {
		folder = strconv.Quote(folder)
	}
	fmt.Fprintf(&b, ")\n\nreplace %s => %s\n", self, folder)
	return b.String()
}

// goVersion is that of talix, or the one that it is written for.
func (p *project) goVersion() string {
	if found := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(p.mod); found != nil {
		return found[1]
	}
	return "1.26.0"
}

// required are the modules that a go.mod requires, with their versions.
func required(mod string) [][2]string {
	var all [][2]string
	for _, found := range regexp.MustCompile(`(?m)^(?:require )?\t?([\w.~/-]+\.[\w.~/-]+) (v\S+)`).FindAllStringSubmatch(mod, -1) {
		all = append(all, [2]string{found[1], found[2]})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return all
}
