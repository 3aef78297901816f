package cli_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	vaults "github.com/talix-dev/talix/vault/memory"
)

type guest struct {
	Name string `json:"name" personal:"true"`
}

type seated struct {
	Name string `json:"name" personal:"true"`
}

func (e seated) Apply(g *guest, _ talix.Meta) { g.Name = e.Name }

type guestRow struct{ ID, Name string }

// What is personal is shown to who asks for it, which is logged.
func TestReveal(t *testing.T) {
	t.Parallel()
	guests := talix.NewEntity("guest", talix.Event[seated]("GUEST:SEATED"))
	seat := talix.NewCommand(guests, "seat", func(c talix.CommandContext[guest], in seated) (struct{}, error) {
		c.Emit(in)
		return struct{}{}, nil
	})
	rows := talix.NewTable("guests", talix.When(func(r *guestRow, e talix.Recorded[seated]) { r.Name = e.Data.Name }))
	var log lines
	s := &site{T: t}
	s.open([]talix.Part{talix.Service{Name: "inn", Components: talix.Components{guests, seat, rows}}}, vaults.New(), func(c *console.Config) {
		c.Log = slog.New(slog.NewJSONHandler(&log, nil))
	})
	for _, name := range []string{"Rosa", "Rosa Klein"} {
		if _, err := talix.Run(s.rt.Context(t.Context()), seat, "g1", seated{name}); err != nil {
			t.Fatal(err)
		}
	}
	sql := []string{"query", "--sql", "SELECT name FROM guests WHERE name <> 'Rosa'"}
	s.until(func() bool {
		_, out, _ := s.try(sql...)
		return strings.Contains(out, "•••")
	})
	for _, args := range [][]string{{"state", "guest", "g1"}, {"state", "guest", "g1", "--at", "2"}, {"state", "guest", "g1", "--at", "2999-01-01"}, {"events", "guest", "g1"}, sql} {
		if out, _ := s.run(0, args...); strings.Contains(out, "Rosa") {
			t.Errorf("%q: %s", args, out)
		}
		if out, _ := s.run(0, append(args, "--reveal")...); !strings.Contains(out, "Rosa Klein") {
			t.Errorf("%q does not reveal: %s", args, out)
		}
	}
	if out := s.ok("events guest g1 --reveal --reverse --limit 1"); !strings.Contains(out, "Rosa Klein") || strings.Count(out, "SEATED") != 1 {
		t.Error(out)
	}
	if out := s.ok("state guest g1 --reveal --at 1"); !strings.Contains(out, `"Rosa"`) && !strings.Contains(out, `"name": "Rosa"`) {
		t.Error(out)
	}
	if n := bytes.Count([]byte(log.String()), []byte("reveal personal data")); n != 7 {
		t.Errorf("%d of 7 were logged: %s", n, &log)
	}
}
