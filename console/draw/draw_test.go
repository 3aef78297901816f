package draw_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/console/draw"
)

func example() api.Map {
	return api.Map{
		Nodes: []api.Node{
			{ID: "entity:a", Kind: "entity", Name: "a"}, {ID: "event:A1", Kind: "event", Name: "A1"}, {ID: "event:A2", Kind: "event", Name: "A2"},
			{ID: "command:a.x", Kind: "command", Name: "a.x"}, {ID: "action:POST", Kind: "action", Name: "POST /a/very/long/path/that/does/not/fit"},
			{ID: "action:react", Kind: "action", Name: "react", Reacts: true}, {ID: "trigger:HTTP", Kind: "trigger", Name: "HTTP"},
			{ID: "view:v", Kind: "view", Name: "v"}, {ID: "query:q", Kind: "query", Name: "q"},
		},
		Edges: []api.Edge{
			{From: "trigger:HTTP", To: "action:POST"}, {From: "action:POST", To: "command:a.x", PerSecond: 12, Learnt: true}, {From: "command:a.x", To: "entity:a"},
			{From: "entity:a", To: "event:A1"}, {From: "entity:a", To: "event:A2"}, {From: "event:A2", To: "view:v", Lag: 7}, {From: "event:A1", To: "action:react"},
			{From: "action:react", To: "command:a.x"}, {From: "view:v", To: "query:q"}, {From: "view:v", To: "query:gone"},
		},
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	p := draw.Map(example())
	if len(p.Boxes) != 9 || len(p.Wires) != 9 || len(p.Heads) != 7 {
		t.Fatalf("%d boxes, %d wires, %d heads", len(p.Boxes), len(p.Wires), len(p.Heads))
	}
	boxes := map[string]draw.Box{}
	for i, b := range p.Boxes {
		boxes[b.ID] = b
		if b.X < 0 || b.Y < 0 || b.X+b.W > p.Width || b.Y+b.H > p.Height {
			t.Errorf("%s stands outside: %+v", b.ID, b)
		}
		for _, o := range p.Boxes[:i] {
			if b.X < o.X+o.W && o.X < b.X+b.W && b.Y < o.Y+o.H && o.Y < b.Y+b.H {
				t.Errorf("%s covers %s", b.ID, o.ID)
			}
		}
	}
	if a, b := boxes["action:POST"], boxes["command:a.x"]; a.X >= b.X || !strings.Contains(a.Label, "…") {
		t.Errorf("%+v, %+v", a, b)
	}
	if (boxes["event:A1"].Y < boxes["event:A2"].Y) != (boxes["action:react"].Y < boxes["view:v"].Y) {
		t.Error("wires cross that need not")
	}
	for _, w := range p.Wires {
		if w.Back != (w.From == "action:react") {
			t.Errorf("%s to %s: back %v", w.From, w.To, w.Back)
		}
	}
	if p.Wires[1].Label != "12/s" || p.Wires[5].Label != "7 behind" {
		t.Errorf("labels %q, %q", p.Wires[1].Label, p.Wires[5].Label)
	}
	for range 10 {
		if again := draw.Map(example()); !reflect.DeepEqual(again, p) {
			t.Fatal("the same map was drawn otherwise")
		}
	}
}

func TestEmptyMap(t *testing.T) {
	t.Parallel()
	if p := draw.Map(api.Map{}); p.Width <= 0 || p.Height <= 0 || len(p.Boxes) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestBars(t *testing.T) {
	t.Parallel()
	s := draw.Bars([]uint32{0, 5, 10}, []uint32{0, 0, 1}, 1)
	if s.Most != 10 || s.Width != 12 || strings.Count(s.All, "M") != 2 || strings.Count(s.Failed, "M") != 1 || !strings.Contains(s.All, "v-16.0") {
		t.Errorf("%+v", s)
	}
	if s := draw.Bars([]uint32{0, 0}, nil, 0); s.All != "" || s.Failed != "" {
		t.Errorf("%+v", s)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]string{0: "0/s", 0.01: "<0.1/s", 1.26: "1.3/s", 99.6: "100/s", 46_000: "46k/s"} {
		if got := draw.Rate(rate); got != want {
			t.Errorf("%v: %s", rate, got)
		}
	}
	if got := draw.Short("DOCUMENTS:äöü_CREATED", 9); len([]rune(got)) != 9 || !strings.HasPrefix(got, "DOCU") || !strings.HasSuffix(got, "ATED") {
		t.Error(got)
	}
}
