package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/standalone"
)

// The roles of our own server: the bank's deposits alone, and the whole bank
// with its view.
const (
	roleDeposits = "deposits"
	roleBank     = "bank"
)

// serveBank is the bank as users run it.
func serveBank(ctx context.Context, role, dir string, out io.Writer) error {
	service := account.Service
	if role == roleDeposits {
		service = talix.Service{Name: "bank", Components: talix.Components{
			account.Accounts, account.Deposit, account.Deposits,
		}}
	}
	app := &standalone.App{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Data: dir, Store: "sqlite", Out: out,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	return app.Run(ctx, service)
}

// serveBare is a bare handler that reads and writes the same JSON, keeps the
// balances in a map, and stores records in a bare file.
func serveBare(ctx context.Context, dir string, out io.Writer) (err error) {
	file, err := openBareFile(filepath.Join(dir, "bare"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	b := &bareBank{file: file, accounts: map[string]account.Balance{}}
	b.records.New = func() any { return newRecord() }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts/{id}/deposits", b.deposit)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if _, err := fmt.Fprintf(out, "listening on http://%s\n", listener.Addr()); err != nil {
		return fmt.Errorf("tell address: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		return server.Shutdown(context.WithoutCancel(ctx))
	}
}

type bareBank struct {
	file    *bareFile
	records sync.Pool

	mu       sync.Mutex
	accounts map[string]account.Balance
}

func (b *bareBank) deposit(w http.ResponseWriter, r *http.Request) {
	var in account.Movement
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil || in.Amount < 1 {
		http.Error(w, "invalid", http.StatusUnprocessableEntity)
		return
	}
	balance := b.add(strings.Clone(r.PathValue("id")), in.Amount)
	rec := b.records.Get().(*record)
	defer b.records.Put(rec)
	if err := b.file.append(rec); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	data, err := json.Marshal(balance)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(data)
}

func (b *bareBank) add(id string, amount int64) account.Balance {
	b.mu.Lock()
	defer b.mu.Unlock()
	balance := b.accounts[id]
	balance.Balance += amount
	balance.Version++
	b.accounts[id] = balance
	return balance
}
