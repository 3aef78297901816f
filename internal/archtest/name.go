package archtest

import (
	"fmt"
	"go/token"
	"path"
	"slices"
	"strings"
)

const maxName = 12

func vague() []string {
	return []string{
		"base", "common", "core", "helper", "helpers", "impl", "lib", "misc", "model", "models",
		"shared", "type", "types", "util", "utils",
	}
}

// packageName looks at one file a package: the compiler sees to the others.
func packageName(m *Module) []Finding {
	var findings []Finding
	for _, p := range m.Packages {
		files := p.Shipped()
		if len(files) == 0 {
			continue
		}
		name := files[0].Syntax.Name.Name
		if why := badName(m, p.Dir, name); why != "" {
			findings = append(findings, m.finding(files[0], files[0].Syntax.Name, name,
				fmt.Sprintf("the package name %q %s", name, why),
				"name the package for what it provides: one short, lower-case, singular noun, as its folder"))
		}
	}
	return findings
}

func badName(m *Module, dir, name string) string {
	folder := path.Base(m.Import(dir))
	switch {
	case name == "main":
		return ""
	case slices.Contains(vague(), name):
		return "says nothing"
	case len(name) > maxName:
		return fmt.Sprintf("is longer than %d letters", maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r == '_' || r >= 'A' && r <= 'Z' }):
		return "is not lower case and one word"
	case name != folder && token.IsIdentifier(folder):
		return "differs from its folder " + folder
	}
	return ""
}
