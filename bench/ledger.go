package main

import (
	"strings"

	"github.com/talix-dev/talix"
)

// Ledger is the state of the entity that is measured.
type Ledger struct{ Balance, Notes int64 }

// Noted is an event of 200 bytes, with the text that note makes.
type Noted struct {
	Text   string `json:"text"`
	Amount int64  `json:"amount"`
}

// Apply adds the amount.
func (e Noted) Apply(l *Ledger, _ talix.Meta) {
	l.Balance += e.Amount
	l.Notes++
}

// Note is the input of the command.
type Note struct {
	Text   string `json:"text"`
	Amount int64  `json:"amount" minimum:"1"`
}

// note is an input whose event takes recordSize bytes.
func note() Note {
	const frame = `{"text":"","amount":1}`
	return Note{Text: strings.Repeat("x", recordSize-len(frame)), Amount: 1}
}

// Held is the reply of the command.
type Held struct {
	Balance int64 `json:"balance"`
	Version int64 `json:"version"`
}

// Ledgers are the entities.
var Ledgers = talix.NewEntity("ledger", talix.Event[Noted]("LEDGERS:NOTED"))

// Write is the command: it adds one event.
var Write = talix.NewCommand(Ledgers, "write",
	func(c talix.CommandContext[Ledger], in Note) (Held, error) {
		c.Emit(Noted(in))
		return Held{c.State().Balance, c.Version()}, nil
	})

// Row is a ledger in the view.
type Row struct {
	ID      string
	Balance int64
	Notes   int64
}

// Rows is the view of all ledgers.
var Rows = talix.NewTable("ledgers",
	talix.When(func(r *Row, e talix.Recorded[Noted]) {
		r.Balance += e.Data.Amount
		r.Notes++
	}))

// Sum is what all ledgers hold together.
type Sum struct {
	Ledgers int64
	Notes   int64
}

// Totals reads the view.
var Totals = talix.SQLOne[struct{}, Sum]("totals",
	`SELECT count(*) AS ledgers, coalesce(sum(notes), 0) AS notes FROM ledgers`)

// plain is the service without a view, viewed the one with it.
func plain() talix.Service {
	return talix.Service{Name: "ledger", Components: talix.Components{Ledgers, Write}}
}

func viewed() talix.Service {
	return talix.Service{Name: "ledger", Components: talix.Components{Ledgers, Write, Rows, Totals}}
}
