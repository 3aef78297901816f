package cli

import (
	"context"
	"flag"
	"strconv"
	"strings"
	"time"
)

func flowCommand() command {
	return command{
		name: "flow", args: "[correlation]", about: "Tell all that one request led to",
		more: `The correlation id is in the answer's header Talix-Correlation, and in each event.
Without one, it lists the requests that are remembered, the newest first.`,
		plan: planFlow,
	}
}

func planFlow(f *flag.FlagSet) run {
	failed := f.Bool("failed", false, "list only requests in which something failed")
	return remote(f, func(ctx context.Context, s *session) error {
		switch len(s.args) {
		case 0:
			return s.flows(ctx, *failed)
		case 1:
			return s.flow(ctx, s.args[0])
		}
		return misused("there are %d arguments: name one correlation id", len(s.args))
	})
}

func (s *session) flows(ctx context.Context, failed bool) error {
	var all struct {
		Items []struct {
			Correlation, Kind, Name string
			Started                 time.Time
			Duration                time.Duration `json:"durationNanos"`
			Operations, Failed      int
		}
	}
	only := ""
	if failed {
		only = "true"
	}
	data, err := s.get(ctx, "flows", values("failed", only), &all)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		t := newTable("CORRELATION", "STARTED", "TOOK", "STEPS", "FAILED", "BEGAN WITH")
		for _, i := range all.Items {
			t.row(i.Correlation, stamp(i.Started), took(i.Duration), strconv.Itoa(i.Operations), strconv.Itoa(i.Failed), i.Kind+" "+i.Name)
		}
		s.table(t, "no request is remembered")
	})
}

// flowStep is one thing that happened.
type flowStep struct {
	Depth      int
	Kind, Name string
	EntityType string
	EntityID   string
	Version    int64
	Started    time.Time
	Duration   time.Duration `json:"durationNanos"`
	Attempt    int
	Code       string
	Error      string
	WorkID     string
	Status     string
}

func (s *session) flow(ctx context.Context, correlation string) error {
	var f struct {
		Started  time.Time
		Duration time.Duration `json:"durationNanos"`
		Steps    []flowStep
		Partly   bool
	}
	data, err := s.get(ctx, "flow", values("correlation", correlation), &f)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		say(s.Stdout, "began %s, took %s\n\n", stamp(f.Started), took(f.Duration))
		t := newTable("AFTER", "TOOK", "WHAT", "")
		for i := range f.Steps {
			st := &f.Steps[i]
			t.row(st.after(f.Started), st.took(), strings.Repeat("  ", st.Depth)+st.Kind+" "+st.Name, st.outcome())
		}
		s.table(t, "")
		if f.Partly {
			s.note("some of it is not remembered any more")
		}
	})
}

func (f *flowStep) after(began time.Time) string {
	if f.Kind == "work" {
		return "-"
	}
	return took(max(f.Started.Sub(began), 0))
}

func (f *flowStep) took() string {
	if f.Kind == "work" || f.Kind == "event" {
		return "-"
	}
	return took(f.Duration)
}

// outcome is what is told beside a step.
func (f *flowStep) outcome() string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	about := f.EntityID
	if f.Version > 0 {
		about += " v" + strconv.FormatInt(f.Version, 10)
	}
	add(about)
	if f.Attempt > 0 {
		add("attempt " + strconv.Itoa(f.Attempt))
	}
	add(f.Status)
	if f.Error != "" {
		add(strings.TrimPrefix(f.Code+": ", ": ") + short(f.Error, widest))
	}
	return strings.Join(parts, ", ")
}
