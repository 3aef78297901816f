// Package guide holds the code of the pages in docs that stands nowhere else, one
// file for each page. It is compiled and not run.
package guide

import (
	"context"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
)

func consoleOf(ctx context.Context, s store.Store, parts []talix.Part, token string) (*console.Console, error) {
	m := meter.New(meter.Config{})
	rt, err := runtime.New(ctx, runtime.Config{Store: s, Parts: append(parts, talix.Use(m))})
	if err != nil {
		return nil, err
	}
	pages := console.New(console.Config{Runtime: rt, Meter: m, Token: token})
	return pages, nil
}
