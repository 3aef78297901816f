package talix_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// Reader is what the events of one reader add up to.
type Reader struct{ Email string }

// ReaderJoined says that someone joined under an e-mail address.
type ReaderJoined struct{ Email string }

// Apply notes the address.
func (e ReaderJoined) Apply(r *Reader, _ talix.Meta) { r.Email = e.Email }

// An e-mail address belongs to one reader at most, however it is written.
func ExampleNewUnique() {
	emails := talix.NewUnique("emails", strings.ToLower)
	readers := talix.NewEntity("reader", talix.Event[ReaderJoined]("READERS:READER_JOINED"))
	join := talix.NewCommand(readers, "join", func(c talix.CommandContext[Reader], email string) (string, error) {
		if err := emails.Reserve(c, email); err != nil {
			return "", err
		}
		c.Emit(ReaderJoined{email})
		return c.ID(), nil
	})
	rt, err := runtime.New(context.Background(), runtime.Config{
		Store: memory.New(memory.Config{}),
		Parts: []talix.Part{talix.Service{Name: "library", Components: talix.Components{emails, readers, join}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Stop()
	ctx := rt.Context(context.Background())
	fmt.Println(talix.Run(ctx, join, "ada", "ada@example.org"))
	_, err = talix.Run(ctx, join, "impostor", "Ada@Example.org")
	fmt.Println(err, errors.Is(err, talix.ErrTaken))
	holder, _ := talix.Holder(ctx, emails, "ADA@example.org")
	fmt.Println("held by", holder.EntityID)
	// Output:
	// ada <nil>
	// taken: emails "ada@example.org" is taken true
	// held by ada
}
