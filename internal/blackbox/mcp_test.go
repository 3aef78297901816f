package blackbox_test

import (
	"os/exec"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/talix-dev/talix/internal/proctest"
)

// An assistant looks into a real program, through a real talix mcp.
func TestAssistantOfTheBank(t *testing.T) {
	t.Parallel()
	x := buildTalix(t)
	const token = "a secret of the bank"
	bank := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{Args: []string{"--admin-token", token}})
	cmd := exec.CommandContext(t.Context(), x.path, "mcp", "--write")
	cmd.Env = append(cmd.Environ(), "TALIX_ADMIN="+bank.AdminURL(), "TALIX_ADMIN_TOKEN="+token)
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "v0"}, nil).Connect(t.Context(), &sdk.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(refused bool, tool string, args map[string]any) string {
		t.Helper()
		got, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil || got.IsError != refused {
			t.Fatalf("%s: %v %+v", tool, err, got)
		}
		return got.Content[0].(*sdk.TextContent).Text
	}
	deposit := map[string]any{"command": "account.deposit", "id": "alice", "input": map[string]any{"amount": 70}, "key": "k"}
	for range 2 {
		ask(false, "run_command", deposit)
	}
	if got := ask(false, "get_state", map[string]any{"type": "account", "id": "alice"}); !strings.Contains(got, `"Balance":70`) {
		t.Error(got)
	}
	if !strings.Contains(bank.Output(), "by talix-mcp") {
		t.Errorf("the audit: %s", bank.Output())
	}
	bank.Kill()
	if got := ask(true, "get_health", nil); !strings.Contains(got, "no program answers") {
		t.Error(got)
	}
	if err := session.Close(); err != nil { // the process ends as its input does
		t.Error(err)
	}
}
