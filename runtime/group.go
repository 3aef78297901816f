package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
)

// RunGroup runs commands of different entities as one.
func (s *scope) RunGroup(ctx context.Context, runs []registry.CommandRun) ([]registry.Reply, error) {
	calls, order, err := s.groupCalls(runs)
	if err != nil {
		return nil, err
	}
	sorted, err := s.keepGroup(ctx, calls)
	if err != nil {
		return nil, err
	}
	replies := make([]registry.Reply, len(runs))
	for i, at := range order {
		replies[at] = sorted[i]
	}
	return replies, nil
}

// groupCalls are the calls of a group in the order of their entities; order
// tells which run each is.
func (s *scope) groupCalls(runs []registry.CommandRun) (calls []*entity.Call, order []int, err error) {
	if n := len(runs); n == 0 || n > talix.MaxGroup {
		return nil, nil, registry.Faultf(registry.Invalid, "a group has 1 to %d commands, not %d", talix.MaxGroup, n)
	}
	order = make([]int, len(runs))
	for i := range runs {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareRuns(runs[a], runs[b]) })
	for i, at := range order {
		if i > 0 && compareRuns(runs[order[i-1]], runs[at]) == 0 {
			return nil, nil, registry.Faultf(registry.Invalid, "%s %q stands twice in a group: make it one command, which emits all events of that entity",
				runs[at].Command.Entity.Type, runs[at].ID)
		}
		call, err := s.prepare(runs[at].Command, runs[at].ID, runs[at].In)
		if err != nil {
			return nil, nil, err
		}
		calls = append(calls, call)
	}
	return calls, order, s.keyGroup(calls)
}

func compareRuns(a, b registry.CommandRun) int {
	return cmp.Or(strings.Compare(a.Command.Entity.Type, b.Command.Entity.Type), strings.Compare(a.ID, b.ID))
}

// keyGroup gives all calls the group's command id.
func (s *scope) keyGroup(calls []*entity.Call) error {
	var key = s.r.ids.New()
	var digest entity.Digest
	repeatable := !s.cause.base.IsZero()
	if repeatable {
		name := groupName(calls)
		key = id.Derive(id.DeriveName(s.cause.base, "group\x00"+name), s.count("group", name))
		var inputs []byte
		if !s.cause.delivered {
			ins := make([]any, len(calls))
			for i, c := range calls {
				ins[i] = c.In
			}
			var err error
			if inputs, err = json.Marshal(ins); err != nil {
				return registry.Faultf(registry.Internal, "the inputs of %s cannot be written as JSON", name).Because(err)
			}
		}
		digest = entity.DigestOf("group", name, inputs)
	}
	for _, c := range calls {
		c.Key, c.Repeatable, c.Digest = key, repeatable, digest
	}
	return nil
}

// groupName tells groups of one action apart: by their commands and entities.
func groupName(calls []*entity.Call) string {
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.Command.FullName() + " " + registry.Escape(c.ID)
	}
	return strings.Join(names, "/")
}

// keepGroup runs a group, or finds what it led to in the journal of a run that
// is kept.
func (s *scope) keepGroup(ctx context.Context, calls []*entity.Call) ([]registry.Reply, error) {
	if s.line == nil {
		return s.runGroup(ctx, calls)
	}
	var replies []registry.Reply
	earlier := func(ctx context.Context) ([]byte, bool, error) {
		found, ok, err := s.r.engine.RecallGroup(ctx, calls)
		if !ok || err != nil {
			return nil, false, err
		}
		data, err := json.Marshal(dataOf(s.replies(found)))
		return data, true, err
	}
	data, err := s.line.Command(ctx, "group "+groupName(calls), earlier, func(ctx context.Context) (_ []byte, err error) {
		if replies, err = s.runGroup(ctx, calls); err != nil {
			return nil, err
		}
		return json.Marshal(dataOf(replies))
	})
	if err != nil || replies != nil {
		return replies, err
	}
	return s.groupOf(calls, data)
}

// groupOf is what a group led to that was run before.
func (s *scope) groupOf(calls []*entity.Call, data []byte) ([]registry.Reply, error) {
	var each []json.RawMessage
	if err := json.Unmarshal(data, &each); err != nil || len(each) != len(calls) {
		return nil, registry.Faultf(registry.Internal, "the replies of a group cannot be read").Because(err)
	}
	found := make([]entity.Reply, len(each))
	for i, reply := range each {
		found[i] = entity.Reply{Data: reply, Partition: s.r.engine.Home(calls[i]), Repeated: true}
	}
	return s.replies(found), nil
}

func (s *scope) runGroup(ctx context.Context, calls []*entity.Call) ([]registry.Reply, error) {
	started := s.r.cfg.Now()
	var ctxs []context.Context
	var ops []talix.Operation
	for _, c := range calls {
		inner, op := s.beginCommand(ctx, c)
		ctxs, ops = append(ctxs, inner), append(ops, op)
	}
	var found []entity.Reply
	err := s.guardAll(ctxs, ops, calls)
	if err == nil {
		found, err = s.r.engine.RunGroup(ctx, calls)
	}
	for i := range calls {
		var reply entity.Reply
		if err == nil {
			reply = found[i]
		}
		s.report(ctxs[i], &ops[i], started, reply, err)
	}
	if err != nil {
		return nil, s.r.fail(err, "group", groupName(calls), s.cause.correlation)
	}
	return s.replies(found), nil
}

// replies notes where a group wrote, and gives its replies the users' form.
func (s *scope) replies(found []entity.Reply) []registry.Reply {
	replies := make([]registry.Reply, len(found))
	for i, r := range found {
		s.note(r)
		replies[i] = registry.Reply{Data: r.Data, Value: r.Value}
	}
	return replies
}

func dataOf(replies []registry.Reply) []json.RawMessage {
	data := make([]json.RawMessage, len(replies))
	for i, r := range replies {
		data[i] = r.Data
	}
	return data
}
