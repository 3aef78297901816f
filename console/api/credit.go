package api

import (
	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
)

// credit says which commands emitted events, as far as is remembered.
func (a *API) credit(moments []Moment) {
	open := map[string][]*Moment{}
	for i := range moments {
		m := &moments[i]
		open[m.Command] = append(open[m.Command], m)
	}
	found := a.meter.Recent(len(moments)*talix.MaxGroup, func(r *meter.Record) bool {
		return !r.Command.IsZero() && r.Code == "" && open[r.Command.String()] != nil
	})
	for i := range found {
		for _, m := range open[found[i].Command.String()] {
			if m.EntityID == found[i].EntityID && m.EntityType == entityOf(found[i].Name) { // not another one of its group
				m.By, m.Caller = found[i].Name, found[i].Caller
			}
		}
	}
}
