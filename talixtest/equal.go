package talixtest

import (
	"reflect"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// equal compares as JSON would tell things apart: nil and empty are the same,
// times are the same if they are the same moment. Fields that are not exported
// count.
func equal(a, b any) bool { return cmp.Equal(a, b, options()) }

func options() cmp.Option {
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	return cmp.Options{all, cmpopts.EquateEmpty(), cmpopts.EquateNaNs()}
}

// differ tells how what was expected and what came differ, line by line.
func differ(want, got any) string {
	w, g := lines(want), lines(got)
	if text, same := diff(w, g); !same {
		return text
	}
	return "They are the same as JSON, and differ in Go (- expected, + got):\n" + cmp.Diff(want, got, options())
}
