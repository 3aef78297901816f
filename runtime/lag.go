package runtime

// ActionLag tells how far an action on events is.
type ActionLag struct {
	Action string
	Lag    int64 // positions of the log that it has not done
	Begun  int   // events that are under way
	Lanes  int   // entities at whose events it failed or waits
	// Skipped counts the events that were given up since the start.
	Skipped int
}

// Lags tells how far every action on events is, in the order of definition.
func (r *Runtime) Lags() []ActionLag {
	var all []ActionLag
	for _, s := range r.dispatcher.Status() {
		if len(all) == 0 || all[len(all)-1].Action != s.Action {
			all = append(all, ActionLag{Action: s.Action})
		}
		l := &all[len(all)-1]
		l.Lag += int64(max(s.Head-s.Mark, 0))
		l.Begun, l.Lanes, l.Skipped = l.Begun+s.Begun, l.Lanes+s.Lanes, l.Skipped+s.Skipped
	}
	return all
}
