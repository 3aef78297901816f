package talix_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	keys "github.com/talix-dev/talix/vault/memory"
)

type Member struct{ Email, Plan string }

type Registered struct {
	Email string `json:"email" personal:"true"`
	Plan  string `json:"plan"`
}

func (e Registered) Apply(m *Member, _ talix.Meta) { m.Email, m.Plan = e.Email, e.Plan }

// What is tagged as personal can be erased; the rest stays.
func ExampleErase() {
	members := talix.NewEntity("member", talix.Event[Registered]("MEMBER:REGISTERED"))
	register := talix.NewCommand(members, "register", func(c talix.CommandContext[Member], in Registered) (struct{}, error) {
		c.Emit(in)
		return struct{}{}, nil
	})
	rt, err := runtime.New(context.Background(), runtime.Config{
		Store: memory.New(memory.Config{}), Keys: keys.New(), Log: slog.New(slog.DiscardHandler),
		Parts: []talix.Part{talix.Service{Name: "club", Components: talix.Components{members, register}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	rt.Start()
	defer rt.Stop()
	ctx := rt.Context(context.Background())
	if _, err := talix.Run(ctx, register, "m-1", Registered{"ann@example.com", "gold"}); err != nil {
		log.Fatal(err)
	}
	if err := talix.Erase(ctx, "m-1"); err != nil {
		log.Fatal(err)
	}
	member, err := talix.Load(ctx, members, "m-1")
	fmt.Printf("%q %q %v\n", member.State.Email, member.State.Plan, err)
	_, err = talix.Run(ctx, register, "m-1", Registered{"ann@example.com", "gold"})
	if refused, ok := errors.AsType[*talix.Error](err); ok {
		fmt.Println(refused.Message)
	}
	// Output:
	// "" "gold" <nil>
	// the personal data of this subject was erased: nothing personal can be stored of it any more
}
