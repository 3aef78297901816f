package talix_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// sipped is a runtime with a cup from which one sip was taken.
func sipped() (*runtime.Runtime, func()) {
	rt, stop := run(nil)
	ctx := rt.Context(context.Background())
	if _, err := talix.Run(ctx, Fill, "mine", Tea{"green"}); err != nil {
		log.Fatal(err)
	}
	if _, err := talix.Run(ctx, Sip, "mine", struct{}{}); err != nil {
		log.Fatal(err)
	}
	return rt, stop
}

// What an entity was.
func ExampleStateAt() {
	rt, stop := sipped()
	defer stop()
	ctx := rt.Context(context.Background())
	for _, at := range []talix.AsOf{talix.Version(1), {}} {
		cup, err := talix.StateAt(ctx, Cups, "mine", at)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(cup.Version, cup.State.Sips)
	}
	// Output:
	// 1 3
	// 2 2
}

// What a command would do.
func ExamplePreview() {
	rt, stop := sipped()
	defer stop()
	ctx := rt.Context(context.Background())
	p, err := talix.Preview(ctx, Sip, "mine", struct{}{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d sips would be left, after %T\n", p.Reply, p.Events[0])
	_, err = talix.Preview(ctx, Sip, "another", struct{}{})
	fmt.Println(errors.Is(err, talix.ErrRejected))
	// Output:
	// 1 sips would be left, after talix_test.Sipped
	// true
}
