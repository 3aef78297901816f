package talix

import "context"

// Observer is a Reporter that follows operations while they run, and from what
// led to them to what they lead to: it is told of them as they begin, and what
// it puts beside them goes along to other times and other processes. Tracing is
// an Observer.
//
// It is also told of the kinds KindRequest, KindPublish, KindForward and
// KindView, of which a mere Reporter is not told. Its methods are called from
// many goroutines and must not block.
type Observer interface {
	Reporter
	// Begin is told of an operation that begins, and returns the context in
	// which it runs: ctx, or one made of it. Report of the operation, which
	// comes once, gets that one too.
	Begin(ctx context.Context, op Operation) context.Context
	// Carry puts what is to go along with what an operation does: with the
	// events and timers of a command, with work that is kept, with messages,
	// and with a command that another node runs. ctx is the operation's. What
	// that leads to has it in Operation.Carried. Names are of lower-case
	// letters and digits, such as traceparent, and no other Observer's. put is
	// not to be called once Carry has returned.
	Carry(ctx context.Context, put func(name, value string))
}

// The kinds of operation of which an Observer alone is told.
const (
	// KindRequest is a request to an action or query, from its input to its
	// answer, whatever that is. What the request triggers runs within.
	KindRequest Kind = "request"
	// KindPublish is an event on its way to a topic.
	KindPublish Kind = "publish"
	// KindForward is a command that this node, which owns the entity, ran for
	// another one. That one reports the command.
	KindForward Kind = "forward"
	// KindView is a batch of events that a view took. Begin is told of it after
	// it was done.
	KindView Kind = "view"
)

// The triggers of actions, as Operation names them.
const (
	TriggerRequest  = "request"
	TriggerEvent    = "event"
	TriggerMessage  = "message" // of a topic, or of an outside system
	TriggerTimer    = "timer"
	TriggerSchedule = "schedule"
	TriggerWorkflow = "workflow" // it was started under an id
)
