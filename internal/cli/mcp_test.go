package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/talix-dev/talix/internal/cli"
)

// assistant is what talks to talix mcp.
type assistant struct {
	*sdk.ClientSession
	ask   io.Closer
	ended chan int
	err   *bytes.Buffer // read it when it ended
}

// assist starts talix mcp as an assistant does: on its standard input and
// output.
func (s *site) assist(ctx context.Context, args ...string) *assistant {
	s.Helper()
	in, ask := io.Pipe()
	hear, out := io.Pipe()
	a := &assistant{ask: ask, ended: make(chan int, 1), err: &bytes.Buffer{}}
	go func() {
		code := cli.Run(ctx, append([]string{"mcp"}, args...), cli.Env{
			Stdin: in, Stdout: out, Stderr: a.err, Now: time.Now, Version: "v1.2.3", Getenv: func(name string) string { return s.env[name] },
		})
		_ = out.Close()
		a.ended <- code
	}()
	var err error
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "v0"}, nil)
	if a.ClientSession, err = client.Connect(s.Context(), &sdk.IOTransport{Reader: hear, Writer: ask}, nil); err != nil {
		s.Fatal(err)
	}
	return a
}

func (a *assistant) call(t *testing.T, tool string, args map[string]any) string {
	t.Helper()
	got, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatal(err)
	}
	return got.Content[0].(*sdk.TextContent).Text
}

func TestMCP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5)
	a := s.assist(t.Context())
	if got := a.call(t, "get_state", map[string]any{"type": "account", "id": "alice"}); !strings.Contains(got, `"Balance":5`) {
		t.Error(got)
	}
	if tools, err := a.ListTools(t.Context(), nil); err != nil || len(tools.Tools) != 18 {
		t.Errorf("%d tools, %v", len(tools.Tools), err)
	}
	_ = a.Close() // the input ends
	if code := <-a.ended; code != cli.Done || a.err.Len() > 0 {
		t.Errorf("it ended with %d: %s", code, a.err)
	}
}

// It ends also while a program does not answer.
func TestMCPEndsInACall(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(a *assistant, cancel func()){
		"signal": func(_ *assistant, cancel func()) { cancel() },
		"input":  func(a *assistant, _ func()) { _ = a.ask.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{})
			silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(asked)
				<-r.Context().Done()
			}))
			t.Cleanup(silent.Close)
			s := &site{T: t, env: map[string]string{"TALIX_ADMIN": silent.URL}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			a := s.assist(ctx)
			refused := make(chan bool, 1)
			go func() {
				got, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: "get_health"})
				refused <- err != nil || got.IsError
			}()
			<-asked
			end(a, cancel)
			if code := <-a.ended; code != cli.Done {
				t.Errorf("it ended with %d: %s", code, a.err)
			}
			_ = a.Close()
			if !<-refused {
				t.Error("it was answered")
			}
		})
	}
}

// It ends when it is told to, and offers changes when it is told to.
func TestMCPThatWrites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	a := s.assist(ctx, "--write")
	deposit := map[string]any{"command": "account.deposit", "id": "alice", "input": map[string]any{"amount": 5}, "key": "k"}
	if got := a.call(t, "run_command", deposit); !strings.Contains(got, `"balance":5`) {
		t.Error(got)
	}
	cancel()
	if code := <-a.ended; code != cli.Done || a.err.Len() > 0 {
		t.Errorf("it ended with %d: %s", code, a.err)
	}
	_ = a.Close()
	s.fails(cli.Misused, "mcp serve", "takes flags only")
	s.fails(cli.Misused, "mcp --admin ftp://x", "is none of a program")
}
