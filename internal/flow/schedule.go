package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Each schedule has one item, its clock, which runs the action for one time
// after another. A run that failed for good is parked as an item of its own, so
// that the clock goes on.

// tick is the input of a clock.
type tick struct {
	For  time.Time `json:"for"`
	Cron string    `json:"cron"`
	Zone string    `json:"zone,omitempty"`
}

// plan is a schedule that was read.
type plan struct {
	times   cron.Schedule
	fixed   bool // its hours are named, so that an hour that comes twice counts once
	zone    *time.Location
	catchUp registry.CatchUp
}

// planOf reads a schedule; the error says how to mend it.
func planOf(s *registry.ScheduleTrigger) (plan, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return plan{}, fmt.Errorf("time zone %q: use a name as in \"Europe/Berlin\": %w", s.Zone, err)
	}
	times, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return plan{}, fmt.Errorf("cron line %q: write minute, hour, day of month, month and day of week, as in \"30 3 * * *\": %w", s.Cron, err)
	}
	return plan{times, fixedHours(s.Cron), zone, s.CatchUp}, nil
}

// fixedHours tells whether a cron line names hours of the day.
func fixedHours(line string) bool {
	if strings.HasPrefix(line, "@") {
		return line != "@hourly" && !strings.HasPrefix(line, "@every")
	}
	fields := strings.Fields(line)
	return len(fields) > 1 && !strings.Contains(fields[1], "*")
}

// CheckSchedule tells what is wrong with a schedule.
func CheckSchedule(s *registry.ScheduleTrigger) error {
	p, err := planOf(s)
	if err == nil && p.after(time.Now()).IsZero() {
		err = fmt.Errorf("cron line %q: there is no such time", s.Cron)
	}
	return err
}

// Times are the next n times of a schedule, after one.
func Times(s *registry.ScheduleTrigger, after time.Time, n int) (times []time.Time, err error) {
	p, err := planOf(s)
	if err != nil {
		return nil, err
	}
	for range n {
		if after = p.after(after); after.IsZero() {
			break
		}
		times = append(times, after)
	}
	return times, nil
}

// after is the first time after another; zero: there is none.
func (p plan) after(t time.Time) time.Time {
	next := p.times.Next(t.In(p.zone))
	for p.fixed && again(next) {
		next = p.times.Next(next)
	}
	return next.UTC()
}

// again tells whether the clocks showed the same time a while before already,
// since they were set back.
func again(t time.Time) bool {
	_, offset := t.Zone()
	for _, shift := range [...]time.Duration{30 * time.Minute, time.Hour} {
		if _, before := t.Add(-shift).Zone(); !t.IsZero() && time.Duration(before-offset)*time.Second == shift {
			return true
		}
	}
	return false
}

// latest is the last time that is after from and not after now; zero: there is
// none.
func (p plan) latest(from, now time.Time) (last time.Time) {
	const day = 24 * time.Hour
	for _, window := range [...]time.Duration{time.Minute, time.Hour, day, 32 * day, 366 * day, 10 * 366 * day} {
		begin := now.Add(-window)
		if begin.Before(from) {
			begin = from
		}
		for t := p.after(begin); !t.IsZero() && !t.After(now); t = p.after(t) {
			last = t
		}
		if !last.IsZero() || begin.Equal(from) {
			return last
		}
	}
	return last
}

// following is the time for which the schedule runs next, after one for which
// it ran, or at which it was last looked at.
func (p plan) following(last, now time.Time) time.Time {
	switch p.catchUp {
	case registry.CatchUpAll:
		return p.after(last)
	case registry.CatchUpOnce:
		if missed := p.latest(last, now); !missed.IsZero() {
			return missed
		}
	}
	if now.Before(last) { // the clock was set back
		return p.after(last)
	}
	return p.after(now)
}

// Arm sees to it that every schedule has its clock, and that missed times are
// made up for as it says.
func (f *Flow) Arm(ctx context.Context) error {
	return f.armIf(ctx, func(store.Partition) bool { return true })
}

// ArmIn is Arm for the schedules whose clocks are in a partition.
func (f *Flow) ArmIn(ctx context.Context, p store.Partition) error {
	return f.armIf(ctx, func(home store.Partition) bool { return home == p })
}

func (f *Flow) armIf(ctx context.Context, which func(home store.Partition) bool) error {
	var errs []error
	for _, a := range f.cfg.Registry.Actions {
		if a.Schedule != nil && which(f.clockHome(a)) {
			errs = append(errs, f.arm(ctx, a))
		}
	}
	return errors.Join(errs...)
}

func (f *Flow) clockHome(a *registry.Action) store.Partition {
	return f.home(store.Stream{Type: "schedule", ID: a.Name})
}

func (f *Flow) arm(ctx context.Context, a *registry.Action) error {
	p, err := planOf(a.Schedule)
	if err != nil {
		return err
	}
	clock := f.clock(a, p.after(f.cfg.Now()))
	made, created, err := f.Work.Create(ctx, clock)
	if err != nil || created {
		return err
	}
	_, err = f.Work.Update(ctx, made.Partition, made.ID, func(i work.Item) (*work.Item, []store.Change, error) {
		next := f.rearm(a, p, i)
		return &next, nil, nil
	})
	return err
}

// rearm is a clock as it has to be when the runtime starts.
func (f *Flow) rearm(a *registry.Action, p plan, clock work.Item) work.Item {
	var t tick
	if err := json.Unmarshal(clock.Input, &t); err != nil {
		return f.clock(a, p.after(f.cfg.Now()))
	}
	now := f.cfg.Now()
	switch {
	case clock.Attempts > 0 || clock.Status != work.Ready:
		return clock // in the middle of a run, which goes on
	case t.Cron != a.Schedule.Cron || t.Zone != a.Schedule.Zone:
		return f.clock(a, p.after(now))
	case t.For.After(now):
		return clock
	}
	at := t.For
	switch later := p.latest(t.For, now); {
	case p.catchUp == registry.CatchUpSkip:
		at = p.after(now)
	case p.catchUp == registry.CatchUpOnce && !later.IsZero():
		at = later
	}
	return f.clock(a, at)
}

// clock is the item of a schedule that runs for a time.
func (f *Flow) clock(a *registry.Action, at time.Time) work.Item {
	data, err := json.Marshal(tick{at, a.Schedule.Cron, a.Schedule.Zone})
	if err != nil {
		panic(err) // a time and two texts
	}
	name := at.Format(time.RFC3339Nano)
	now := f.cfg.Now()
	return work.Item{
		ID:        clockID(a.Name),
		Partition: f.clockHome(a),
		Kind:      work.Schedule,
		Action:    a.Name,
		Status:    work.Ready,
		Due:       at,
		Created:   now,
		Changed:   now,
		Input:     data,
		Run:       registry.RunID("schedule", a.Name, name),
		Base:      id.Hash("schedule", a.Name, name),
	}
}

func clockID(action string) string { return registry.RunID("schedule", action) }

// scheduledFor is the input of a schedule's action.
func scheduledFor(item work.Item) (any, error) {
	var t tick
	err := json.Unmarshal(item.Input, &t)
	return t.For, err
}

// next is the clock after a run, or nothing after that of a parked one.
func (f *Flow) next(a *registry.Action, ran work.Item) *work.Item {
	if ran.ID != clockID(a.Name) {
		return nil
	}
	p, err := planOf(a.Schedule)
	if err != nil {
		panic(err) // it was read when the runtime was made
	}
	var t tick
	if err := json.Unmarshal(ran.Input, &t); err != nil {
		t.For = f.cfg.Now()
	}
	at := p.following(t.For, f.cfg.Now())
	if at.IsZero() {
		return nil
	}
	clock := f.clock(a, at)
	return &clock
}

// set aside is a run that failed for good, as an item of its own.
func (f *Flow) setAside(a *registry.Action, parked work.Item) (*work.Item, []store.Change) {
	clock := f.next(a, parked)
	parked.ID, parked.Rev = parked.Run, store.ID{}
	change := f.Work.Change(parked)
	change.Blind = true
	return clock, []store.Change{change}
}
