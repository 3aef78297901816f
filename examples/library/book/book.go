// Package book is the books of a library: who has which, and until when.
package book

import (
	"time"

	"github.com/talix-dev/talix"
)

// Book is what the events of one book add up to.
type Book struct {
	Title  string
	Member string // who has it; empty while it is on the shelf
}

// Added says that the library has a new book.
type Added struct {
	Title string `json:"title"`
}

// Apply puts it on the shelf.
func (e Added) Apply(b *Book, _ talix.Meta) { b.Title = e.Title }

// Lent says that a member took it.
type Lent struct {
	Member string    `json:"member"`
	Due    time.Time `json:"due"`
}

// Apply notes who has it.
func (e Lent) Apply(b *Book, _ talix.Meta) { b.Member = e.Member }

// Returned says that it came back.
type Returned struct{}

// Apply puts it on the shelf again.
func (Returned) Apply(b *Book, _ talix.Meta) { b.Member = "" }

// Books are the entities.
var Books = talix.NewEntity("book",
	talix.Event[Added]("BOOKS:ADDED"),
	talix.Event[Lent]("BOOKS:LENT"),
	talix.Event[Returned]("BOOKS:RETURNED"),
)
