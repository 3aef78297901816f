package book_test

import (
	"context"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/library/book"
	"github.com/talix-dev/talix/talixtest"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	talixtest.Check(t, book.Service)
	talixtest.Compatible(t, "testdata/events.json", book.Service)
}

func TestLend(t *testing.T) {
	t.Parallel()
	ann := book.Loan{Member: "ann@example.org", Term: time.Hour}
	due := talixtest.Begin().Add(time.Hour)

	shelf := talixtest.Given(t, book.Books, "b1", book.Added{Title: "Emma"})
	lent := talixtest.When(shelf, book.Lend, ann).
		Then(book.Lent{Member: ann.Member, Due: due}).
		Reply(book.Due{Due: due})
	talixtest.Scheduled(lent, book.Overdue, "", due, ann.Member)

	talixtest.When(lent.After(), book.Lend, book.Loan{Member: "bob@example.org"}).
		Rejected(talix.Reject("ann@example.org has it"))
	talixtest.When(lent.After(), book.Return, struct{}{}).
		Then(book.Returned{}).
		State(book.Book{Title: "Emma"})
}

// mail remembers what it sent.
type mail struct{ sent []string }

func (m *mail) Send(_ context.Context, _, member, text string) error {
	m.sent = append(m.sent, member+": "+text)
	return nil
}

func TestReminder(t *testing.T) {
	t.Parallel()
	var m mail
	rt := talixtest.Start(t, book.Service, talix.Provide[book.Mail](&m), talix.Provide(book.Term(time.Hour)))

	var emma, ulysses book.ID
	rt.Request("POST /books", book.NewBook{Title: "Emma"}).Is(200).Into(&emma)
	rt.Request("POST /books", book.NewBook{Title: "Ulysses"}).Is(200).Into(&ulysses)
	for _, id := range []book.ID{emma, ulysses} {
		rt.Request("POST /books/"+id.ID+"/loan", map[string]string{"member": "ann@example.org"}).Is(200)
	}
	rt.Request("DELETE /books/"+ulysses.ID+"/loan", nil).Is(200)
	rt.Advance(2 * time.Hour)

	talixtest.Equal(t, []string{"ann@example.org: please bring back Emma"}, m.sent)
	due := talixtest.Begin().Add(time.Hour)
	has, err := talixtest.Ask(rt, book.List, book.Filter{Member: new("ann@example.org")})
	if err != nil {
		t.Fatal(err)
	}
	talixtest.Equal(t, []book.Row{{ID: emma.ID, Title: "Emma", Member: "ann@example.org", Due: &due}}, has.Items)
}
