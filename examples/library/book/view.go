package book

import (
	"time"

	"github.com/talix-dev/talix"
)

// Row is a book in the view.
type Row struct {
	ID     string     `json:"id"`
	Title  string     `json:"title"`
	Member string     `json:"member,omitempty" db:"member,index"`
	Due    *time.Time `json:"due,omitempty"`
}

// Rows is the view of all books.
var Rows = talix.NewTable("books",
	talix.When(func(r *Row, e talix.Recorded[Added]) { r.Title = e.Data.Title }),
	talix.When(func(r *Row, e talix.Recorded[Lent]) { r.Member, r.Due = e.Data.Member, &e.Data.Due }),
	talix.When(func(r *Row, _ talix.Recorded[Returned]) { r.Member, r.Due = "", nil }),
)

// Filter is the input of List.
type Filter struct {
	Member *string `query:"member" doc:"Who has the books."`
	talix.Paging
}

// List reads all books, or those that a member has.
var List = talix.SQL[Filter, Row]("list-books",
	`SELECT id, title, member, due FROM books WHERE :member IS NULL OR member = :member`,
	talix.PageBy("id"), talix.Expose("GET /books"))

// Service is the library.
var Service = talix.Service{Name: "library", Components: talix.Components{
	Books, Add, Lend, Return,
	PostBook, PostLoan, DeleteLoan, Remind,
	Rows, List,
	talix.Needs[Mail](), talix.Needs[Term](),
}}
