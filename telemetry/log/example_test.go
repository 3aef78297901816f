package log_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/telemetry/log"
)

// A line that is written with the context of a query, action or step tells what
// it belongs to.
func Example() {
	logger := slog.New(log.NewHandler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "correlation" { // they differ each time
				return slog.Attr{}
			}
			return a
		},
	})))
	hello := talix.NewQuery("hello", func(ctx talix.QueryContext, name string) (string, error) {
		logger.InfoContext(ctx, "someone says hello")
		return "hello " + name, nil
	})
	s := memory.New(memory.Config{})
	defer s.Close()
	rt, err := runtime.New(context.Background(), runtime.Config{Store: s, Parts: []talix.Part{
		talix.Use(log.New(log.Config{})), talix.Service{Name: "greeter", Components: talix.Components{hello}},
	}})
	if err != nil {
		panic(err)
	}
	defer rt.Stop()
	if _, err := talix.Ask(rt.Context(context.Background()), hello, "you"); err != nil {
		panic(err)
	}
	// Output: level=INFO msg="someone says hello" query=hello
}
