package mcp_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestDefinitions(t *testing.T) {
	t.Parallel()
	d := newSite(t).assist(false)
	d.says("list_definitions", d.ok("list_definitions"), `"account.deposit"`, `"ACCOUNTS:DEPOSITED"`, `"services":["bank"`, `"trigger":"schedule"`)
	queries := d.ok("list_definitions", "kind", "query", "service", "bank", "limit", 1)
	if len(queries.list("definitions")) != 1 || fmt.Sprint(queries.Next["offset"]) != "1" || strings.Contains(queries.text, "account.deposit") {
		t.Error(queries.text)
	}
	command := d.ok("describe_definition", "kind", "command", "name", "account.deposit")
	d.says("describe_definition", command, "Whole cents.", `"maximum"`, "entity:account")
	d.says("describe_definition", d.ok("describe_definition", "kind", "view", "name", "accounts"), `"balance"`, "event:ACCOUNTS:DEPOSITED")
	d.fails("describe_definition", "list_definitions tells the names", "kind", "command", "name", "account.depose")
	d.fails("list_definitions", "behind the end", "offset", 1000)
}

func TestEntities(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, id := range []string{"alice", "bob", "bart"} {
		s.withdraw(id, 30)
	}
	d := s.assist(false)
	seen := map[string]bool{}
	page := args("type", "account", "limit", 1, "by", "birth", "oldest_first", true)
	for range 10 {
		a := d.ok("find_entities", pairs(page)...)
		for _, e := range a.list("entities") {
			seen[e.(map[string]any)["id"].(string)] = true
		}
		if a.Next == nil {
			break
		}
		page["cursor"] = a.Next["cursor"]
	}
	for _, id := range []string{"alice", "bob", "bart"} {
		if !seen[id] {
			t.Errorf("the pages lack %s: %v", id, seen)
		}
	}
	if a := d.ok("find_entities", "id_prefix", "b"); strings.Contains(a.text, "alice") || len(a.list("entities")) != 2 {
		t.Error(a.text)
	}
	d.says("get_state", d.ok("get_state", "type", "account", "id", "alice"), `"Balance":70`, "version 2")
	d.says("get_state", d.ok("get_state", "type", "account", "id", "alice", "version", 1), `"Balance":100`)
	d.says("get_state", d.ok("get_state", "type", "account", "id", "alice", "time", "2999-01-01T00:00:00Z", "path", "/Balance"), `"state":70`)
	d.fails("get_state", "choose one", "type", "account", "id", "alice", "time", "2999-01-01T00:00:00Z", "version", 1)
	d.fails("get_state", "leads nowhere", "type", "account", "id", "alice", "path", "/Balance/0")
	d.fails("get_state", "list_definitions tells", "type", "planet", "id", "mars")
	d.fails("get_state", "no version 9", "type", "account", "id", "alice", "version", 9)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.withdraw("alice", 30)
	s.withdraw("alice", 20)
	d := s.assist(false)
	var versions []any
	page := args("type", "account", "id", "alice", "limit", 3)
	for range 2 {
		a := d.ok("list_events", pairs(page)...)
		for _, e := range a.list("events") {
			versions = append(versions, e.(map[string]any)["version"])
		}
		page["from_version"] = a.Next["from_version"]
		if a.Next == nil {
			break
		}
	}
	if fmt.Sprint(versions) != "[1 2 3 4]" {
		t.Error(versions)
	}
	back := d.ok("list_events", "type", "account", "id", "alice", "limit", 1, "newest_first", true)
	d.says("list_events", back, `"amount":20`, `"to_version":3`)
	d.says("list_events", d.ok("list_events", "type", "account", "id", "nobody"), `"events":[]`)
	event := d.ok("get_event", "type", "account", "id", "alice", "version", 2)
	d.says("get_event", event, "ACCOUNTS:WITHDRAWN", `"amount":30`, `"partition"`)
	d.fails("get_event", "list_events tells", "type", "account", "id", "alice", "version", 99)
}

// pairs are arguments as calls here take them.
func pairs(m map[string]any) (all []any) {
	for name, v := range m {
		all = append(all, name, v)
	}
	return all
}

// What an assistant sees of something stuck, from the first look to its cause.
func TestProblems(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.assist(false)
	d.says("list_problems", d.ok("list_problems"), `"parkedWork":[]`, `"ready":true`)
	s.broken.Store(true)
	s.bad.Store(true)
	s.withdraw("alice", 30)
	s.withdraw("bob", 30)
	d.until("event/notify/account/alice", "list_problems")
	d.until("event/notify/account/bob", "list_problems")
	problems := d.until(`"name":"tallies"`, "list_problems")
	d.says("list_problems", problems, `the mail\nserver is away`, "event/notify/account/alice")
	parked := d.ok("list_work", "status", "parked", "kind", "event", "action", "notify", "limit", 1)
	if len(parked.list("work")) != 1 || parked.Next["after"] != "event/notify/account/alice" || strings.Contains(parked.text, "payload") {
		t.Error(parked.text)
	}
	d.says("list_work", d.ok("list_work", "status", "parked", "after", "event/notify/account/alice"), "event/notify/account/bob")
	work := d.ok("get_work", "id", "event/notify/account/alice")
	d.says("get_work", work, `"amount":30`, "the mail", `"correlation"`)
	d.says("get_work", d.ok("get_work", "id", "event/notify/account/alice", "path", "/payload/amount"), `"work":30`)
	d.says("list_parked_events", d.until(`"offset":1`, "list_parked_events", "view", "tallies", "limit", 1), "a bug in the view", "alice")
	flow := d.ok("get_flow", "correlation_id", work.Data["work"].(map[string]any)["correlation"])
	d.says("get_flow", flow, "account.withdraw", "ACCOUNTS:WITHDRAWN", "event/notify/account/alice")
	d.until(`"failed":1`, "list_flows", "failed_only", true)
	d.fails("get_flow", "correlation", "correlation_id", "x")
	d.says("list_work", d.ok("list_work", "action", "notify"), "event/notify/account/bob")
	d.fails("get_work", "list_work what is not finished", "id", "event/notify/account/nobody")
}

func TestWorkflowsAndTimers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.assist(false)
	d.until("schedule/nightly", "list_work", "kind", "schedule")
	if err := s.rt.Calls().Start(t.Context(), "wait", "w-1", nil); err != nil {
		t.Fatal(err)
	}
	d.says("list_work", d.until(`"awaits":"proceed"`, "list_work", "kind", "workflow", "status", "waiting"), `wait/w-1`)
}

func TestViewsAndQueries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.withdraw("alice", 30)
	s.withdraw("bob", 50)
	d := s.assist(false)
	d.until(`[2]`, "query_views", "sql", "SELECT count(*) FROM accounts WHERE balance BETWEEN 50 AND 70")
	d.says("list_views", d.ok("list_views"), `"accounts"`, `"lag"`, `"tallies"`)
	d.until("fees", "read_table", "table", "accounts")
	first := d.ok("read_table", "table", "accounts", "limit", 2)
	if len(first.list("rows")) != 2 || fmt.Sprint(first.Next["offset"]) != "2" {
		t.Error(first.text)
	}
	if second := d.ok("read_table", "table", "accounts", "limit", 2, "offset", 2); len(second.list("rows")) != 1 || second.Next != nil {
		t.Error(second.text)
	}
	d.fails("read_table", "planets", "table", "planets")
	many := d.ok("query_views", "sql", "SELECT a.id, b.id FROM accounts a, accounts b", "limit", 3)
	if len(many.list("rows")) != 3 || fmt.Sprint(many.Next["offset"]) != "3" {
		t.Error(many.text)
	}
	endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n"
	d.says("query_views", d.ok("query_views", "sql", endless), "add LIMIT and OFFSET")
	for _, sql := range []string{"DELETE FROM accounts", "SELECT 1; DROP TABLE accounts", "PRAGMA writable_schema = 1"} {
		if text, refused := d.try(t.Context(), "query_views", "sql", sql); !refused {
			t.Errorf("%s: %s", sql, text)
		}
	}
	d.until(`[2]`, "query_views", "sql", "SELECT count(*) FROM accounts WHERE id <> 'fees'")
}

func TestHealthAndCluster(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.withdraw("alice", 30)
	d := s.assist(false)
	health := d.ok("get_health")
	d.says("get_health", health, `"ready":true`, "account.deposit", `"lags"`, `"p99"`)
	if strings.Contains(health.text, `"counts"`) {
		t.Error("it has what only pictures need")
	}
	d.says("get_cluster", d.ok("get_cluster"), `"clustered":false`, `"head":`)
}

// A preview tells all that a command would do, and does nothing.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.withdraw("alice", 30)
	d := s.assist(false)
	d.says("preview_command", d.ok("preview_command", "command", "account.withdraw", "id", "alice", "input", args("amount", 10)), "ACCOUNTS:WITHDRAWN", `"balance":60`)
	d.fails("preview_command", "the account holds 70", "command", "account.withdraw", "id", "alice", "input", args("amount", 100))
	d.fails("preview_command", "amount", "command", "account.withdraw", "id", "alice", "input", args("amount", 0))
	d.fails("preview_command", "amount", "command", "account.withdraw", "id", "alice")
	d.says("get_state", d.ok("get_state", "type", "account", "id", "alice"), `"Balance":70`)
}
