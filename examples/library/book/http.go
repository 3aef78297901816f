package book

import (
	"time"

	"github.com/talix-dev/talix"
)

// NewBook is the input of PostBook.
type NewBook struct {
	Title string `json:"title" minLength:"1" maxLength:"200"`
}

// ID names a book.
type ID struct {
	ID string `path:"id" json:"id" minLength:"1" maxLength:"64"`
}

// PostBook answers POST /books.
var PostBook = talix.OnHTTP("POST /books",
	func(ctx talix.ActionContext, in NewBook) (ID, error) {
		id := talix.NewID(ctx)
		_, err := talix.Run(ctx, Add, id, in.Title)
		return ID{id}, err
	})

// NewLoan is the input of PostLoan.
type NewLoan struct {
	ID
	Member string `json:"member" format:"email"`
}

// Term is how long a book may be kept.
type Term time.Duration

// PostLoan answers POST /books/{id}/loan.
var PostLoan = talix.OnHTTP("POST /books/{id}/loan",
	func(ctx talix.ActionContext, in NewLoan) (Due, error) {
		term := time.Duration(talix.Get[Term](ctx))
		return talix.Run(ctx, Lend, in.ID.ID, Loan{in.Member, term})
	})

// DeleteLoan answers DELETE /books/{id}/loan.
var DeleteLoan = talix.OnHTTP("DELETE /books/{id}/loan",
	func(ctx talix.ActionContext, in ID) (struct{}, error) {
		return talix.Run(ctx, Return, in.ID, struct{}{})
	})
