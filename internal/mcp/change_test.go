package mcp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/console"
)

// writers are the tools that change something.
func writers() []string {
	return []string{
		"cancel_workflow", "retry_parked_event", "retry_work", "run_command", "signal_workflow", "skip_parked_event", "skip_work",
	}
}

// Where only reading is wanted, there is no tool that does more; all tools say
// what they are.
func TestOnlyReadingIsOffered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, write := range []bool{false, true} {
		var changing []string
		list, err := s.assist(write).session.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range list.Tools {
			if !tool.Annotations.ReadOnlyHint {
				changing = append(changing, tool.Name)
			}
			if tool.Annotations.ReadOnlyHint == slices.Contains(writers(), tool.Name) || tool.Description == "" {
				t.Errorf("%s is told wrongly: %+v", tool.Name, tool.Annotations)
			}
		}
		if slices.Sort(changing); write != slices.Equal(changing, writers()) || !write && changing != nil {
			t.Errorf("with write %t there are %q", write, changing)
		}
	}
	d := s.assist(false)
	for _, name := range writers() {
		if _, err := d.session.CallTool(t.Context(), params(name)); err == nil || !strings.Contains(err.Error(), "unknown tool") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.assist(true)
	for range 3 { // a repeat has its effect once
		a := d.ok("run_command", "command", "account.deposit", "id", "alice", "input", args("amount", 70), "key", "first")
		d.says("run_command", a, `"balance":70`, `"version":1`)
	}
	d.ok("run_command", "command", "account.deposit", "id", "alice", "input", args("amount", 5), "key", "second")
	d.says("get_state", d.ok("get_state", "type", "account", "id", "alice"), `"Balance":75`)
	d.fails("run_command", "which is less than 100", "command", "account.withdraw", "id", "alice", "input", args("amount", 100), "key", "third")
	d.fails("run_command", "amount", "command", "account.withdraw", "id", "alice", "input", args("amount", 0), "key", "fourth")
	d.fails("run_command", "key", "command", "account.deposit", "id", "alice", "input", args("amount", 5))
	d.fails("run_command", "list_definitions tells", "command", "account.depose", "id", "alice", "key", "fifth")
	if log := s.log.String(); !strings.Contains(log, `"what":"run command","subject":"account.deposit alice","who":"local 127.0.0.1:`) || !strings.Contains(log, ` by talix-mcp","outcome":"done"`) {
		t.Errorf("the audit: %s", log)
	}
}

// Numbers arrive with all their digits.
func TestLargeNumbers(t *testing.T) {
	t.Parallel()
	d := newSite(t).assist(true)
	const large = "9007199254740993"
	input := raw(`{"text":"", "lines": [], "count": ` + large + `}`)
	d.says("preview_command", d.ok("preview_command", "command", "note.write", "id", "n", "input", input), large)
	d.says("run_command", d.ok("run_command", "command", "note.write", "id", "n", "input", input, "key", "k"), large)
	d.says("get_state", d.ok("get_state", "type", "note", "id", "n"), large)
}

func TestMending(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.assist(true)
	s.broken.Store(true)
	s.bad.Store(true)
	s.withdraw("alice", 30)
	s.withdraw("alice", 20)
	s.withdraw("bob", 30)
	const lane = "event/notify/account/"
	d.until(lane+"alice", "list_work", "status", "parked")
	d.until(lane+"bob", "list_work", "status", "parked")
	d.until(`"behind":1`, "get_work", "id", lane+"alice")

	d.fails("skip_work", "by now, not at 7", "id", lane+"alice", "version", 7)
	d.fails("skip_work", "version", "id", lane+"alice")
	d.ok("skip_work", "id", lane+"alice", "version", 2)
	d.until(`"version":4`, "list_work", "status", "parked", "limit", 1) // the next one fails too
	d.fails("skip_work", "by now, not at 2", "id", lane+"alice", "version", 2)
	s.broken.Store(false)
	d.ok("retry_work", "id", lane+"alice")
	d.ok("retry_work", "id", lane+"bob")
	d.until(`"work":[]`, "list_work", "status", "parked")
	d.fails("retry_work", "list_work", "id", lane+"bob")

	d.until("bob", "list_parked_events", "view", "tallies")
	d.until("alice", "list_parked_events", "view", "tallies")
	d.fails("skip_parked_event", "the next one be refused", "view", "tallies", "type", "account", "id", "alice", "version", 2)
	d.fails("skip_parked_event", "list_parked_events tells", "view", "tallies", "type", "account", "id", "alice", "version", 2)
	d.fails("retry_parked_event", "a bug in the view", "view", "tallies", "type", "account", "id", "bob")
	s.bad.Store(false)
	d.ok("skip_parked_event", "view", "tallies", "type", "account", "id", "alice", "version", 4)
	d.ok("retry_parked_event", "view", "tallies", "type", "account", "id", "bob")
	for _, want := range []string{"skip work", "retry work", "skip parked event of view", "retry parked event of view"} {
		if !strings.Contains(s.log.String(), `"what":"`+want+`"`) {
			t.Errorf("the audit lacks %q: %s", want, s.log)
		}
	}
}

func TestSteeringWorkflows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.assist(true)
	for _, id := range []string{"w-1", "w-2"} {
		if err := s.rt.Calls().Start(t.Context(), "wait", id, nil); err != nil {
			t.Fatal(err)
		}
		d.until(id, "list_work", "kind", "workflow", "status", "waiting")
	}
	d.ok("signal_workflow", "run_id", "workflow/wait/w-1", "signal", "proceed", "data", "go on")
	d.ok("cancel_workflow", "run_id", "workflow/wait/w-2")
	d.until(`"work":[]`, "list_work", "kind", "workflow")
}

// A program that only reads is changed by nobody, whatever its assistants are
// offered.
func TestReadOnlyPrograms(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *console.Config) { c.ReadOnly = true })
	d := s.assist(true)
	d.fails("run_command", "this console only reads", "command", "account.deposit", "id", "alice", "input", args("amount", 70), "key", "k")
	d.says("preview_command", d.ok("preview_command", "command", "account.deposit", "id", "alice", "input", args("amount", 70)), `"balance":70`)
	d.says("list_events", d.ok("list_events", "type", "account", "id", "alice"), `"events":[]`)
}
