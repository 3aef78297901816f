package project

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/talix-dev/talix/table"
)

// A member tells of itself anew each renewEvery, and what a dead one told is
// kept for forgetAfter: so long, a program that comes back is known to be an
// older one than those that came meanwhile.
const (
	renewEvery  = 10 * time.Minute
	forgetAfter = time.Hour
)

// enroll tells the others which definitions this process has.
func (p *Projector) enroll(ctx context.Context) error {
	cfg := &p.cfg
	err := cfg.Tables.Update(ctx, func(tx table.Tx) error {
		members := map[string]member{}
		if err := readAll(tx, cfg.nodes, members); err != nil {
			return err
		}
		me := member{Prints: map[string]string{}, Orders: map[string]int64{}, Seen: cfg.Now().UTC()}
		for _, v := range p.views {
			me.Prints[v.def.Name] = v.fingerprint
			me.Orders[v.def.Name] = rankOf(members, v.def.Name, v.fingerprint)
		}
		text, err := json.Marshal(me)
		if err != nil {
			return err
		}
		return tx.Put(cfg.nodes, []table.Value{table.TextValue(cfg.Self), table.TextValue(string(text))})
	})
	if err != nil {
		return fmt.Errorf("tell other nodes of the views: %w", err)
	}
	return nil
}

// renew enrolls again now and then, and forgets those who are long gone.
func (p *Projector) renew(ctx context.Context) error {
	c, now := p.cfg.crew, p.cfg.Now()
	c.mu.Lock()
	me, told := c.members[c.self]
	var gone []string
	for name, m := range c.members {
		if c.living != nil && !c.living[name] && name != c.self && now.Sub(m.Seen) > forgetAfter {
			gone = append(gone, name)
		}
	}
	c.mu.Unlock()
	if !told || now.Sub(me.Seen) > renewEvery {
		if err := p.enroll(ctx); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return p.cfg.Tables.Update(ctx, func(tx table.Tx) error {
		for _, name := range gone {
			if err := tx.Delete(p.cfg.nodes, []table.Value{table.TextValue(name)}); err != nil {
				return err
			}
		}
		return nil
	})
}
