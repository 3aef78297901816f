package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/store/storetest"
)

// TestBackup under load: it holds what was durable before it began, whole.
func TestBackup(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Config{Dir: t.TempDir(), NoSync: true})
	stream := store.Stream{Type: "a", ID: "one"}
	fill(t, s, 500)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for v := store.Version(501); ; v++ {
			select {
			case <-stop:
				return
			default:
				durable(t, s, event(stream, v))
			}
		}
	})
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		before, err := s.Head(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := s.Backup(t.Context(), filepath.Join(dir, "events.db")); err != nil {
			t.Fatal(err)
		}
		wantBackup(t, s, dir, before)
	}
	close(stop)
	writer.Wait()
}

func wantBackup(t *testing.T, of *sqlite.Store, dir string, least store.Position) {
	t.Helper()
	if all := files(t, dir); len(all) != 1 {
		t.Errorf("the backup left %d files", len(all))
	}
	s := open(t, sqlite.Config{Dir: dir})
	storetest.Check(t, s)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if head, err := s.Head(t.Context(), 0); err != nil || head < least {
		t.Errorf("the backup ends at %d (%v), want at least %d", head, err, least)
	}
	if s.Identity() != of.Identity() {
		t.Error("the backup is of another store")
	}
	durable(t, s, event(store.Stream{Type: "c", ID: "three"}, 1))
}

func TestBackupRefusals(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Config{Dir: t.TempDir(), NoSync: true})
	fill(t, s, 10)
	dir := t.TempDir()
	path := filepath.Join(dir, "backup.db")
	write(t, path, []byte("precious"))
	if err := s.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("Backup over a file says %v", err)
	}
	if content, _ := os.ReadFile(path); string(content) != "precious" {
		t.Errorf("the file is now %q", content)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, filepath.Join(dir, "other.db")); err == nil {
		t.Error("a cancelled Backup says nothing")
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "nowhere", "other.db")); err == nil {
		t.Error("Backup into a folder that is not there says nothing")
	}
	if all := files(t, dir); len(all) != 1 {
		t.Errorf("Backup left %d files", len(all))
	}
}
