// Package draw lays out what a console shows as pictures: the map of services
// and lines over time, in whole pixels.
package draw

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/talix-dev/talix/console/api"
)

// Measures of the map, in pixels.
const (
	boxWidth  = 168
	boxHeight = 38
	rowGap    = 14
	colGap    = 58
	margin    = 12
	header    = 26
	sweeps    = 6
	// fits is how many characters a box has room for.
	fits = 19
)

// Picture is a drawn map.
type Picture struct {
	Width, Height int
	Heads         []Head
	Boxes         []Box
	Wires         []Wire
}

// Head names a column.
type Head struct {
	X    int
	Text string
}

// Box is a drawn node.
type Box struct {
	api.Node
	X, Y, W, H int
	Label      string // the name, as far as it fits
}

// Wire is a drawn edge.
type Wire struct {
	api.Edge
	Path             string // of SVG
	LabelX, LabelY   int
	Label            string
	Back             bool // it leads from right to left
	FromName, ToName string
}

// columns are what stands one beside the other, from left to right.
func columns() [7]string {
	return [...]string{"Triggers", "Actions", "Commands", "Entities", "Events", "Reactions and views", "Queries"}
}

func columnOf(n api.Node) int {
	switch n.Kind {
	case "trigger":
		return 0
	case "action":
		if n.Reacts {
			return 5
		}
		return 1
	case "command":
		return 2
	case "entity":
		return 3
	case "event":
		return 4
	case "query":
		return 6
	}
	return 5
}

// Map draws a map. The same map gives the same picture.
func Map(m api.Map) Picture {
	g := newGrid(m)
	for range sweeps {
		g.order(g.left)
		g.order(g.right)
	}
	return g.picture(m)
}

// grid is nodes in columns.
type grid struct {
	columns     [7][]string
	nodes       map[string]api.Node
	left, right map[string][]string // neighbours in other columns
	row         map[string]float64
}

func newGrid(m api.Map) *grid {
	g := &grid{nodes: map[string]api.Node{}, left: map[string][]string{}, right: map[string][]string{}, row: map[string]float64{}}
	for _, n := range m.Nodes {
		c := columnOf(n)
		g.nodes[n.ID] = n
		g.columns[c] = append(g.columns[c], n.ID)
	}
	for _, e := range m.Edges {
		from, to := g.nodes[e.From], g.nodes[e.To]
		if from.ID == "" || to.ID == "" || columnOf(from) >= columnOf(to) {
			continue
		}
		g.right[e.From] = append(g.right[e.From], e.To)
		g.left[e.To] = append(g.left[e.To], e.From)
	}
	g.number()
	return g
}

// number gives each node its row, each column's middle at zero.
func (g *grid) number() {
	for _, ids := range g.columns {
		for i, id := range ids {
			g.row[id] = float64(i) - float64(len(ids)-1)/2
		}
	}
}

// order puts nodes near their neighbours.
func (g *grid) order(neighbours map[string][]string) {
	for _, ids := range g.columns {
		at := map[string]float64{}
		for _, id := range ids {
			at[id] = g.row[id]
			if ns := neighbours[id]; len(ns) > 0 {
				at[id] = 0
				for _, n := range ns {
					at[id] += g.row[n] / float64(len(ns))
				}
			}
		}
		slices.SortStableFunc(ids, func(a, b string) int {
			switch d := at[a] - at[b]; {
			case math.Abs(d) < 1e-9:
				return strings.Compare(a, b)
			case d < 0:
				return -1
			}
			return 1
		})
	}
	g.number()
}

func (g *grid) picture(m api.Map) Picture {
	p := Picture{Width: 2 * margin}
	most := 0
	for _, ids := range g.columns {
		most = max(most, len(ids))
	}
	p.Height = 2*margin + header + most*(boxHeight+rowGap)
	x, boxes := margin, map[string]Box{}
	for c, ids := range g.columns {
		if len(ids) == 0 {
			continue
		}
		p.Heads = append(p.Heads, Head{x + boxWidth/2, columns()[c]})
		top := margin + header + (most-len(ids))*(boxHeight+rowGap)/2
		for i, id := range ids {
			b := Box{Node: g.nodes[id], X: x, Y: top + i*(boxHeight+rowGap), W: boxWidth, H: boxHeight, Label: Short(g.nodes[id].Name, fits)}
			boxes[id] = b
			p.Boxes = append(p.Boxes, b)
		}
		x += boxWidth + colGap
	}
	p.Width = max(x-colGap+margin, p.Width)
	ends := map[string]int{}
	for _, e := range m.Edges {
		ends["from "+e.From]++
		ends["to "+e.To]++
	}
	for _, e := range m.Edges {
		from, to := boxes[e.From], boxes[e.To]
		if from.ID != "" && to.ID != "" {
			p.Wires = append(p.Wires, wire(e, from, to, ends["from "+e.From] > ends["to "+e.To]))
		}
	}
	return p
}

// wire draws an edge. fan: many leave where it begins, so that its label stands
// where it ends.
func wire(e api.Edge, from, to Box, fan bool) Wire {
	w := Wire{Edge: e, FromName: from.Name, ToName: to.Name, Back: from.X >= to.X, Label: label(e)}
	x1, x2 := from.X+from.W, to.X
	y1, y2 := from.Y+from.H/2, to.Y+to.H/2
	bend := max((x2-x1)/2, 24)
	if w.Back {
		x1, x2 = from.X, to.X+to.W
		y1, y2 = y1+from.H/4, y2+to.H/4
		bend = -max((x1-x2)/3, 24)
	}
	w.Path = fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
	if !fan {
		x1, x2, y1, y2 = x2, x1, y2, y1
	}
	w.LabelX, w.LabelY = x1+(x2-x1)*7/10, y1+(y2-y1)*17/20-3
	return w
}

func label(e api.Edge) string {
	var parts []string
	if e.PerSecond > 0 {
		parts = append(parts, Rate(e.PerSecond))
	}
	if e.Lag > 0 {
		parts = append(parts, fmt.Sprintf("%d behind", e.Lag))
	}
	return strings.Join(parts, ", ")
}

// Rate writes how often something happens in a second.
func Rate(perSecond float64) string {
	switch {
	case perSecond == 0:
		return "0/s"
	case perSecond < 0.1:
		return "<0.1/s"
	case perSecond < 10:
		return fmt.Sprintf("%.1f/s", perSecond)
	case perSecond < 10_000:
		return fmt.Sprintf("%.0f/s", perSecond)
	}
	return fmt.Sprintf("%.0fk/s", perSecond/1000)
}

// Short cuts the middle out of a text that has more than n characters.
func Short(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	tail := (n - 1) / 2
	return string(runes[:n-1-tail]) + "…" + string(runes[len(runes)-tail:])
}
