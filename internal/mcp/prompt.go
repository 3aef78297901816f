package mcp

import (
	"context"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// why asks an assistant to find out what holds an entity up.
const why = `Find out why the entity of type %s with the id %s does not get on, in the program that the talix tools look into.

1. list_events (newest_first) and get_state: what happened to it last?
2. get_flow with the correlation id of its last events: did something fail, or is it under way?
3. list_work with status parked, and then waiting: is work of this entity parked, or waiting for a time or a signal? get_work tells why.
4. list_problems: is a view that shows it behind, or stopped?

Say what you found with ids and versions, what the cause is as far as it can be seen, and what a person could do. Change nothing.`

func (s *server) prompts() {
	s.mcp.AddPrompt(&sdk.Prompt{
		Name: "why_is_it_stuck", Title: "Why is this entity stuck?",
		Description: "Looks for what holds one entity up: its last events, their flows, parked or waiting work, views.",
		Arguments: []*sdk.PromptArgument{
			{Name: "type", Description: "The entity's type.", Required: true},
			{Name: "id", Description: "The entity's id.", Required: true},
		},
	}, func(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
		args := req.Params.Arguments
		for _, name := range []string{"type", "id"} {
			if args[name] == "" || len(args[name]) > maxText {
				return nil, fmt.Errorf("the argument %s is missing, or has more than %d bytes", name, maxText)
			}
		}
		text := fmt.Sprintf(why, quote(nil, args["type"]), quote(nil, args["id"]))
		return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user", Content: &sdk.TextContent{Text: text}}}}, nil
	})
}
