// Library lends books, and reminds those who keep them too long. The tutorial
// builds it from nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/library/book"
	"github.com/talix-dev/talix/standalone"
)

// logged is mail that is only written down.
type logged struct{}

func (logged) Send(_ context.Context, deliveryID, member, text string) error {
	_, err := fmt.Printf("mail %s to %s: %s\n", deliveryID, member, text)
	return err
}

func main() {
	term := flag.Duration("term", 14*24*time.Hour, "how long a book may be kept")
	standalone.New().Main(
		talix.Provide[book.Mail](logged{}),
		talix.Provide(book.Term(*term)),
		book.Service,
	)
}
