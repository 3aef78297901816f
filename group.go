package talix

import "github.com/talix-dev/talix/internal/registry"

// MaxGroup is how many commands a Group has at most.
const MaxGroup = 64

// GroupPart is a part of a Group: one command for one entity, made by Do.
type GroupPart interface {
	run() registry.CommandRun
	answer(registry.Reply) error
}

// Doing is a command that is run within a Group.
type Doing[In, Out any] struct {
	command *Command[In, Out]
	id      string
	in      In
	reply   Out
}

// Do is a command on the entity with the given id, to be run within a Group.
func Do[In, Out any](c *Command[In, Out], id string, in In) *Doing[In, Out] {
	return &Doing[In, Out]{command: c, id: id, in: in}
}

// Reply is the command's reply, once Group has returned nil; before, it is zero.
func (d *Doing[In, Out]) Reply() Out { return d.reply }

func (d *Doing[In, Out]) run() registry.CommandRun {
	return registry.CommandRun{Command: &d.command.def, ID: d.id, In: d.in}
}

func (d *Doing[In, Out]) answer(reply registry.Reply) (err error) {
	d.reply, err = d.command.read(reply)
	return err
}

// Group runs commands of several entities as one: their events are stored in
// one append, with one time and under one command id, or none of them is. It
// returns nil once they are durable; each part then has its Reply.
//
// Each command decides on the state of its own entity, as it does by itself,
// and does not see what the others of the group emit. If one of them is
// rejected, all are. A command that emits nothing is part of the group too: the
// state that it looked at is still that of its entity when the others' events
// are stored.
//
// What others change meanwhile is a conflict: the group is decided anew, as
// often as a single command would be. In an error, Entity names the one that was
// at fault: whose command was rejected, or who was changed again and again.
//
// A group has 1 to MaxGroup commands, each of another entity; several changes of
// one entity are for one command. A repeated delivery of what the action was
// triggered by has the group's effect once, as for Run.
func Group(ctx ActionContext, parts ...GroupPart) error {
	runs := make([]registry.CommandRun, len(parts))
	for i, p := range parts {
		runs[i] = p.run()
	}
	replies, err := ctx.host.RunGroup(ctx.Context, runs)
	if err != nil {
		return fromEngine(err)
	}
	for i, p := range parts {
		if err := p.answer(replies[i]); err != nil {
			return err
		}
	}
	return nil
}
