// Library lends books, and reminds those who keep them too long. The tutorial
// builds it from nothing.
package main

import (
	"context"
	"flag"
	"log/slog"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/library/book"
	"github.com/talix-dev/talix/standalone"
)

// logged is mail that is only written down.
type logged struct{}

func (logged) Send(ctx context.Context, deliveryID, member, text string) error {
	slog.InfoContext(ctx, "mail", slog.String("id", deliveryID), slog.String("to", member), slog.String("text", text))
	return nil
}

func main() {
	term := flag.Duration("term", 14*24*time.Hour, "how long a book may be kept")
	standalone.New().Main(
		talix.Provide[book.Mail](logged{}),
		talix.Provide(book.Term(*term)),
		book.Service,
	)
}
