package cli

import (
	"context"
	"flag"

	"github.com/talix-dev/talix/internal/mcp"
)

func mcpCommand() command {
	return command{
		name: "mcp", about: "Let an assistant look into a program, by the Model Context Protocol",
		more: `It speaks the protocol on its standard input and output, until the input ends: an
assistant starts it, as in

  {"mcpServers": {"talix": {"command": "talix", "args": ["mcp"],
    "env": {"TALIX_ADMIN": "127.0.0.1:8081", "TALIX_ADMIN_TOKEN": "…"}}}}

What it offers only reads, and personal values stay hidden. With --write it offers
to run commands, to retry or skip what is parked, and to signal or cancel runs.`,
		plan: planMCP,
	}
}

func planMCP(f *flag.FlagSet) run {
	write := f.Bool("write", false, "offer tools that change something too")
	return remote(f, func(ctx context.Context, s *session) error {
		if err := s.noArgs(); err != nil {
			return err
		}
		if err := mcp.Serve(ctx, mcp.Config{Client: s.admin, Write: *write, Version: s.Version}, s.Stdin, s.Stdout); ctx.Err() == nil {
			return err
		}
		return nil // it was wanted to end
	})
}
