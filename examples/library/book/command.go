package book

import (
	"time"

	"github.com/talix-dev/talix"
)

// Add takes a book into the library.
var Add = talix.NewCommand(Books, "add",
	func(c talix.CommandContext[Book], title string) (struct{}, error) {
		if c.Exists() {
			return struct{}{}, talix.Reject("there is a book %s", c.ID())
		}
		c.Emit(Added{title})
		return struct{}{}, nil
	})

// Loan is the input of Lend.
type Loan struct {
	Member string
	Term   time.Duration
}

// Due is when a book has to be back.
type Due struct {
	Due time.Time `json:"due"`
}

// Lend gives a book to a member, unless another has it.
var Lend = talix.NewCommand(Books, "lend",
	func(c talix.CommandContext[Book], in Loan) (Due, error) {
		switch b := c.State(); {
		case !c.Exists():
			return Due{}, talix.NotFound("there is no book %s", c.ID())
		case b.Member != "":
			return Due{}, talix.Reject("%s has it", b.Member)
		}
		due := c.Time().Add(in.Term)
		c.Emit(Lent{in.Member, due})
		talix.Schedule(c, Overdue, "", due, in.Member)
		return Due{due}, nil
	})

// Return takes a book back. One that nobody has stays where it is.
var Return = talix.NewCommand(Books, "return",
	func(c talix.CommandContext[Book], _ struct{}) (struct{}, error) {
		if c.State().Member != "" {
			c.Emit(Returned{})
			talix.Unschedule(c, Overdue, "")
		}
		return struct{}{}, nil
	})
