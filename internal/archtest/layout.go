package archtest

import (
	"slices"
	"strings"
)

// ports is the folders that hold a port.
func ports() []string { return []string{"blob", "broker", "source", "store", "table", "vault"} }

// kind is what a folder is for. It decides what the folder may import.
type kind int

const (
	other    kind = iota // files, …: shipped, without rules of its own
	root                 // the words that users write
	port                 // a contract
	driver               // one technology behind a port
	suite                // what every driver of a port must pass
	internal             // the engine
	host                 // runtime
	program              // standalone and cmd: where the runtime meets drivers
	example
	kit       // talixtest: a runtime on drivers that need no server
	ui        // console: what people see of a runtime
	telemetry // plugins that tell others what a runtime does
)

// kindOf tells what a folder is for.
func kindOf(dir string) kind {
	first, rest, _ := strings.Cut(dir, "/")
	switch {
	case dir == ".":
		return root
	case slices.Contains(ports(), first):
		return portKind(rest)
	}
	return kindOfTop(first)
}

func portKind(rest string) kind {
	switch {
	case rest == "":
		return port
	case strings.HasSuffix(rest, "test") && !strings.Contains(rest, "/"):
		return suite
	}
	return driver
}

func kindOfTop(first string) kind {
	switch first {
	case "internal":
		return internal
	case "runtime":
		return host
	case "standalone", "cmd":
		return program
	case "examples":
		return example
	case "talixtest":
		return kit
	case "console":
		return ui
	case "telemetry":
		return telemetry
	}
	return other
}

// portsOf is the ports that a driver or suite of a port may know. A database
// may hold the log, view tables and the keys of personal data; what calls in by HTTP stands on the
// webhook.
func portsOf(dir string) []string {
	first, _, _ := strings.Cut(dir, "/")
	switch first {
	case "store":
		return []string{"store", "table", "vault"}
	case "source":
		return []string{"source", "source/webhook"}
	}
	return []string{first}
}

// home is the folder of a driver: its port and its own name.
func home(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// standard tells whether an import path is one of the standard library.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && importPath != "C"
}

// client is the import path cut to what names its module's owner, so that
// several modules of one client library count as one.
func client(importPath string) string {
	parts := strings.Split(importPath, "/")
	n := 1
	if strings.HasPrefix(importPath, "github.com/") || strings.HasPrefix(importPath, "gitlab.com/") {
		n = 2
	}
	return strings.Join(parts[:min(n, len(parts))], "/")
}
