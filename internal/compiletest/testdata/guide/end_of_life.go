package guide

import (
	"errors"
	"time"

	"github.com/talix-dev/talix"
)

type Basket struct{ Items int }

type BasketDiscarded struct{ Why string }

func (BasketDiscarded) Apply(b *Basket, _ talix.Meta) { b.Items = 0 }

var Baskets = talix.NewEntity("basket", talix.Event[BasketDiscarded]("BASKETS:BASKET_DISCARDED"))

var Discard = talix.NewCommand(Baskets, "discard",
	func(c talix.CommandContext[Basket], why string) (struct{}, error) {
		c.Delete(BasketDiscarded{Why: why})
		return struct{}{}, nil
	})

var Expire = talix.NewTimer[struct{}]("expire")

func timers(c talix.CommandContext[Basket]) {
	talix.Schedule(c, Expire, "", c.Time().Add(30*24*time.Hour), struct{}{}) // in a command; again to move it
	talix.Unschedule(c, Expire, "")                                          // to take it back
}

var OnExpiry = talix.OnTimer(Expire, func(ctx talix.ActionContext, f talix.Fired[struct{}]) error {
	_, err := talix.Run(ctx, Discard, f.EntityID, "it expired")
	if errors.Is(err, talix.ErrGone) {
		return nil // someone else was faster
	}
	return err
})

type Folder struct{ Archived bool }

var Folders = talix.NewEntity[Folder]("folder")

func unlessArchived[In, Out any](handler func(talix.CommandContext[Folder], In) (Out, error)) func(talix.CommandContext[Folder], In) (Out, error) {
	return handler
}

func addPage(talix.CommandContext[Folder], struct{}) (int, error) { return 0, nil }

var AddPage = talix.NewCommand(Folders, "add-page", unlessArchived(addPage))
