// The code of docs/guide/evolution.md, which has to stand here.
package main

import (
	"encoding/json"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

type Account struct{ Cents int64 }

type Deposited struct {
	Cents    int64
	Currency string
}

func (e Deposited) Apply(a *Account, _ talix.Meta) { a.Cents += e.Cents }

type MoneyIn struct{ Cents int64 }

func (e MoneyIn) Apply(a *Account, _ talix.Meta) { a.Cents += e.Cents }

type Withdrawn struct{ Cents int64 }

func (e Withdrawn) Apply(a *Account, _ talix.Meta) { a.Cents -= e.Cents }

type FeeCharged struct{ Cents int64 }

func (e FeeCharged) Apply(a *Account, _ talix.Meta) { a.Cents -= e.Cents }

type depositedV1 struct {
	Euros int64 `json:"euros"`
}

type depositedV2 struct{ Cents int64 }

type withdrawnV1 struct{ Cents, Fee int64 }

type moved struct {
	Out int64
	In  Deposited
}

var Accounts = talix.NewEntity("account",
	talix.Event[Deposited]("ACCOUNTS:DEPOSITED",
		talix.Was(func(old depositedV1) Deposited { return Deposited{Cents: old.Euros * 100} })),
	talix.Became("ACCOUNTS:MOVED", func(old moved) []talix.EventFor[Account] {
		return []talix.EventFor[Account]{Withdrawn{old.Out}, old.In}
	}),
	talix.Retired[Account]("ACCOUNTS:LOOKED_AT"),
	talix.Became("ACCOUNTS:WITHDRAWN", func(old withdrawnV1) []talix.EventFor[Account] {
		return []talix.EventFor[Account]{Withdrawn{old.Cents}, FeeCharged{old.Fee}}
	}),
	talix.Event[Withdrawn]("ACCOUNTS:WITHDRAWN"), // version 2
	talix.Event[FeeCharged]("ACCOUNTS:FEE_CHARGED"),
)

var Later = talix.NewEntity("account",
	talix.Event[Deposited]("ACCOUNTS:DEPOSITED",
		talix.Was(func(old depositedV2) Deposited { return Deposited{old.Cents, "EUR"} },
			talix.Was(func(old depositedV1) depositedV2 { return depositedV2{old.Euros * 100} }))),
)

var Untyped = talix.NewEntity("account",
	talix.Event[Deposited]("ACCOUNTS:DEPOSITED",
		talix.WasFields[Deposited](func(f talix.Fields) error {
			f["currency"] = json.RawMessage(`"EUR"`)
			return nil
		})),
)

var Renamed = talix.NewEntity("account",
	talix.Event[MoneyIn]("ACCOUNTS:MONEY_IN").Renamed("ACCOUNTS:DEPOSITED"),
)

var First = talix.NewEntity("account",
	talix.Event[Deposited]("ACCOUNTS:DEPOSITED").Renamed("ACCOUNTS:MONEY_IN"),
)

var Reported = talix.NewEntity("account",
	talix.Event[Deposited]("ACCOUNTS:DEPOSITED"),
).SkipUnknown()

var Service = talix.Service{Name: "bank", Components: talix.Components{Accounts}}

func TestEvents(t *testing.T) {
	t.Parallel()
	talixtest.Compatible(t, "testdata/events.json", Service)
}

func main() {}
