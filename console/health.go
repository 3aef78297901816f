package console

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/console/draw"
)

// glance is the start page.
type glance struct {
	api.Health
	Worries []worry
}

const shownFailures = 8

// worry is something that a person should look at.
type worry struct {
	Text, Path string
}

func (c *Console) health(r *http.Request) (view, error) {
	g := glance{Health: c.api.Health(r.Context())}
	g.Failures = slices.DeleteFunc(g.Failures, func(f api.Record) bool { return f.Kind == string(talix.KindStep) }) // their action tells of them
	g.Failures = g.Failures[:min(len(g.Failures), shownFailures)]
	g.worry()
	return view{page: "health", title: "Health", tab: "/", Data: g}, nil
}

func (g *glance) worry() {
	add := func(path, format string, args ...any) {
		g.Worries = append(g.Worries, worry{fmt.Sprintf(format, args...), path})
	}
	if !g.Ready {
		add("/", "Not ready: %s.", g.Reason)
	}
	if g.Work.Parked > 0 {
		add("/work?status=parked", "%s failed for good and parked: it waits for someone to retry or skip it.", plural(g.Work.Parked, "piece of work", "pieces of work"))
	}
	if g.Work.Error != "" {
		add("/work", "The work cannot be counted: %s.", g.Work.Error)
	}
	for _, v := range g.Views {
		path := string(link("/view", "name", v.Name))
		if v.Parked > 0 {
			add(path, "View %s: %s parked at an event that it can't take.", v.Name, plural(v.Parked, "entity is", "entities are"))
		}
		if v.Fault != "" {
			add(path, "View %s does not go on: %s.", v.Name, v.Fault)
		}
		if v.Rebuild != nil {
			add(path, "View %s is being rebuilt.", v.Name)
		}
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

func (c *Console) graph(*http.Request) (view, error) {
	return view{page: "map", title: "Map", tab: "/map", Data: draw.Map(c.api.Map())}, nil
}
