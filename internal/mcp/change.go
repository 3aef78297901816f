package mcp

import (
	"context"
	"fmt"
)

func (s *server) changes() {
	version := between("version", 0, 1<<53)
	add(s, tool{
		name: "run_command", title: "Run a command",
		about:   "Runs a command on an entity, which may emit events that stay for good. Preview it first with preview_command, and run it only if the user asked for that change.",
		rules:   append(named("command", "id", "key"), document("input")),
		changes: &change{destroys: true, repeats: true},
	}, s.runCommand)
	add(s, tool{
		name: "retry_work", title: "Retry parked work",
		about: "Has one unfinished piece of work run now, as if it had never failed. What it does then may have effects outside.",
		rules: named("id"), changes: &change{},
	}, s.retryWork)
	add(s, tool{
		name: "skip_work", title: "Give up parked work",
		about:   "Gives up for good what one piece of parked work is stuck at, so that what stands behind it goes on. This cannot be taken back. The version keeps a repeated call from giving up what comes next.",
		rules:   append(named("id"), version),
		changes: &change{destroys: true, repeats: true},
	}, s.skipWork)
	add(s, tool{
		name: "retry_parked_event", title: "Retry what a view cannot take",
		about: "Has a view take an entity's parked event, and those behind it, again.",
		rules: named("view", "type", "id"), changes: &change{repeats: true},
	}, s.retryParkedEvent)
	add(s, tool{
		name: "skip_parked_event", title: "Leave out what a view cannot take",
		about:   "Has a view pass over an entity's parked event, so that those behind it are taken. A rebuild takes it again. The version keeps a repeated call from passing over what comes next.",
		rules:   append(named("view", "type", "id"), between("version", 1, 1<<53)),
		changes: &change{destroys: true, repeats: true},
	}, s.skipParkedEvent)
	add(s, tool{
		name: "signal_workflow", title: "Signal a run",
		about: "Tells a run what it may wait for. A signal that is sent twice arrives twice.",
		rules: append(named("run_id", "signal"), document("data")), changes: &change{},
	}, s.signalWorkflow)
	add(s, tool{
		name: "cancel_workflow", title: "Cancel a run",
		about: "Asks a workflow to end, and what it did to be undone by its compensations. This cannot be taken back.",
		rules: named("run_id"), changes: &change{destroys: true, repeats: true},
	}, s.cancelWorkflow)
}

// do has something done, and says so.
func (s *server) do(ctx context.Context, path string, body any, done string) (answer, error) {
	v, err := s.post(ctx, path, body)
	return answer{about: done, data: v}, err
}

type byWork struct {
	ID string `json:"id" jsonschema:"Its id, as list_work has it, such as event/notify/account/alice."`
}

func (s *server) retryWork(ctx context.Context, in byWork) (answer, error) {
	return s.do(ctx, "work/retry", map[string]string{"id": in.ID}, "It is tried again; get_work tells what becomes of it")
}

type skipWork struct {
	ID      string `json:"id" jsonschema:"Its id, as list_work has it, such as event/notify/account/alice."`
	Version int64  `json:"version" jsonschema:"The version that it is stuck at, as list_work has it; 0 where it has none."`
}

func (s *server) skipWork(ctx context.Context, in skipWork) (answer, error) {
	v, err := s.get(ctx, "work/item", values("id", in.ID))
	if err != nil {
		return answer{}, err
	}
	w := objectOf(v)
	if status := w.text("status"); status != "parked" {
		return answer{}, fmt.Errorf("it is not parked (%s): there is nothing to give up", status)
	}
	if at := w.number("version"); at != in.Version {
		return answer{}, fmt.Errorf("it is stuck at version %d by now, not at %d: look at it with get_work before you give it up", at, in.Version)
	}
	return s.do(ctx, "work/skip", map[string]string{"id": in.ID}, "It was given up")
}

type byEntity struct {
	View string `json:"view" jsonschema:"The view."`
	Type string `json:"type" jsonschema:"The entity's type."`
	ID   string `json:"id" jsonschema:"The entity's id."`
}

func (e byEntity) body() map[string]string {
	return map[string]string{"name": e.View, "entityType": e.Type, "entityId": e.ID}
}

func (s *server) retryParkedEvent(ctx context.Context, in byEntity) (answer, error) {
	return s.do(ctx, "view/retry", in.body(), "The view has taken the entity's events")
}

type skipParkedEvent struct {
	View    string `json:"view" jsonschema:"The view."`
	Type    string `json:"type" jsonschema:"The entity's type."`
	ID      string `json:"id" jsonschema:"The entity's id."`
	Version int64  `json:"version" jsonschema:"The version of the parked event, as list_parked_events has it."`
}

func (s *server) skipParkedEvent(ctx context.Context, in skipParkedEvent) (answer, error) {
	v, err := s.get(ctx, "view/parked", values("name", in.View))
	if err != nil {
		return answer{}, err
	}
	all, _ := v.([]any)
	for _, p := range all {
		o := objectOf(p)
		if o.text("entityType") == in.Type && o.text("entityId") == in.ID && o.number("version") == in.Version {
			a, err := s.do(ctx, "view/skip", byEntity{in.View, in.Type, in.ID}.body(), "The view has passed over the event")
			return a, skipped(err)
		}
	}
	return answer{}, fmt.Errorf("no event of version %d of this entity is among the first that are parked in the view: list_parked_events tells which are", in.Version)
}

// skipped says what a refusal leaves open: the event may be passed over, and the
// one behind it be what the view cannot take.
func skipped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("list_parked_events tells what is parked now, as the event may have been passed over, and the next one be refused: %w", err)
}

type signalWorkflow struct {
	RunID  string `json:"run_id" jsonschema:"The run, as runId of list_work has it, such as workflow/transfer/t-1."`
	Signal string `json:"signal" jsonschema:"The signal's name, as awaits of list_work has it."`
	Data   raw    `json:"data,omitempty" jsonschema:"What is told, a JSON value."`
}

func (s *server) signalWorkflow(ctx context.Context, in signalWorkflow) (answer, error) {
	return s.do(ctx, "work/signal", object{{"runId", in.RunID}, {"signal", in.Signal}}.with("data", in.Data), "The run was told")
}

type byRun struct {
	RunID string `json:"run_id" jsonschema:"The run, as runId of list_work has it, such as workflow/transfer/t-1."`
}

func (s *server) cancelWorkflow(ctx context.Context, in byRun) (answer, error) {
	return s.do(ctx, "work/cancel", map[string]string{"id": in.RunID}, "The run was asked to end")
}
