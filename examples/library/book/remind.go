package book

import (
	"context"

	"github.com/talix-dev/talix"
)

// Overdue is due when a book should be back; its input is who has it.
var Overdue = talix.NewTimer[string]("overdue")

// Mail reaches members.
type Mail interface {
	// Send may be asked again under the same delivery id.
	Send(ctx context.Context, deliveryID, member, text string) error
}

// Remind writes to who keeps a book too long.
var Remind = talix.OnTimer(Overdue,
	func(ctx talix.ActionContext, f talix.Fired[string]) error {
		book, err := talix.Load(ctx, Books, f.EntityID)
		if err != nil {
			return err
		}
		_, err = talix.Step(ctx, "mail", func(c context.Context) (struct{}, error) {
			text := "please bring back " + book.State.Title
			return struct{}{}, talix.Get[Mail](ctx).Send(c, ctx.DeliveryID().String(), f.In, text)
		})
		return err
	})
