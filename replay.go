package talix

// Replay tells that the action gets a past event again on purpose, by a pour
// (runtime.Pours), and not for the first time or after a crash. What it runs
// and tells outside systems then has ids of the pour's own, and so has its
// effect again; an action that must not have it does nothing here.
func (c ActionContext) Replay() bool { return c.host.Origin().Replay }
