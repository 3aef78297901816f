package talixtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	talixtest.Check(t, talix.Service{Name: "bar", Components: talix.Components{Tabs, Guests}}, Guests)
}

// All has a field of each kind.
type All struct {
	B      bool
	I      int8
	U      uint8
	F      float32
	S      string
	T      time.Time
	D      time.Duration
	P      *string
	L      []Round
	A      [2]byte
	Bytes  []byte
	M      map[string][]int
	Any    any
	Weekly *All
	Text   color
}

func (All) Apply(*Odd, talix.Meta) {}

// color is a type of which not every value is one.
type color string

func (c color) MarshalText() ([]byte, error) { return []byte(c), nil }

func (c *color) UnmarshalText(text []byte) error {
	if s := string(text); s != "" && s != "red" {
		return errHouse
	}
	*c = color(text)
	return nil
}

// Lossy loses what only a value with something in it has.
type Lossy struct{ Inner struct{ Deep []hidden } }

type hidden struct {
	Name string
	Note string `json:"-"`
}

func (Lossy) Apply(*Odd, talix.Meta) {}

func TestCheckFinds(t *testing.T) {
	t.Parallel()
	fine := talix.NewEntity("fine", talix.Event[All]("FINE:ALL"))
	talixtest.Check(t, fine)

	lossy := talix.NewEntity("lossy", talix.Event[Lossy]("LOSSY:LOSSY"), talix.Event[Forgetful]("LOSSY:FORGETFUL"))
	got := failing(func(t talixtest.T) { talixtest.Check(t, fine, lossy) })
	for _, want := range []string{`entity "lossy": event LOSSY:LOSSY is another one`, "LOSSY:FORGETFUL"} {
		if !strings.Contains(got, want) {
			t.Errorf("the test is told\n%s\nwhich lacks %q", got, want)
		}
	}
}
