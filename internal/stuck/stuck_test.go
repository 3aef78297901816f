package stuck_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 3

// items makes a runner that does not run.
func items(t *testing.T) *work.Runner {
	s := memory.New(memory.Config{Partitions: partitions})
	var groups []*commit.Group
	for p := range partitions {
		g := commit.Start(commit.Config{Store: s, Partition: store.Partition(p)})
		t.Cleanup(g.Close)
		groups = append(groups, g)
	}
	return work.New(work.Config{
		Store: s, Group: func(p store.Partition) *commit.Group { return groups[p] }, Now: time.Now, NewRev: id.NewSource(time.Now).New,
		Run: func(context.Context, work.Item) work.Verdict { return nil },
	})
}

// fill creates n items of each status, over all partitions.
func fill(t *testing.T, r *work.Runner, n int, statuses ...work.Status) {
	t.Helper()
	for i := range n {
		for _, s := range statuses {
			item := work.Item{ID: fmt.Sprintf("event/act/%04d/%s", i, s), Partition: store.Partition(i % partitions), Kind: work.Event, Action: "act", Status: s}
			if _, _, err := r.Create(t.Context(), item); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Pages hold what does not go on, of all partitions, in the order of names.
func TestListInPages(t *testing.T) {
	t.Parallel()
	r := items(t)
	const n = 900 // more than a page in each partition
	fill(t, r, n, work.Parked, work.Behind, work.Done)
	var got []string
	for after := ""; ; {
		page, err := stuck.List(t.Context(), r, partitions, "event/", after, 70)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page {
			got = append(got, item.ID)
		}
		if len(page) < 70 {
			break
		}
		after = page[69].ID
	}
	if len(got) != n || !slices.IsSorted(got) || got[n-1] != "event/act/0899/parked" {
		t.Errorf("%d were listed", len(got))
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	r := items(t)
	const n = 900
	fill(t, r, n, work.Parked, work.Waiting)
	now := time.Now()
	if got, err := stuck.Replay(t.Context(), r, partitions, "event/act/", now); got != n || err != nil {
		t.Errorf("replayed %d: %v", got, err)
	}
	for status, want := range map[work.Status]work.Status{work.Parked: work.Ready, work.Waiting: work.Waiting} {
		item, err := stuck.Find(t.Context(), r, 1, "event/act/0001/"+string(status))
		if err != nil || item.Status != want {
			t.Errorf("%s became %s: %v", status, item.Status, err)
		}
	}
	if got, err := stuck.Replay(t.Context(), r, partitions, "event/act/", now); got != 0 || err != nil {
		t.Errorf("replayed %d again: %v", got, err)
	}
}

// Finished items are none of anyone's business.
func TestFinishedItem(t *testing.T) {
	t.Parallel()
	r := items(t)
	fill(t, r, 1, work.Done)
	if _, err := stuck.Find(t.Context(), r, 0, "event/act/0000/done"); !errors.Is(err, stuck.ErrNotFound) {
		t.Error(err)
	}
	if err := stuck.Retry(t.Context(), r, 0, "event/act/0000/done", time.Now()); !errors.Is(err, stuck.ErrNotFound) {
		t.Error(err)
	}
	if err := stuck.Retry(t.Context(), r, 0, "event/act/none", time.Now()); !errors.Is(err, stuck.ErrNotFound) {
		t.Error(err)
	}
}

func TestOrphanIsAdopted(t *testing.T) {
	t.Parallel()
	r := items(t)
	fill(t, r, 1, work.Ready, work.Parked)
	for _, status := range []string{"ready", "parked"} {
		id := "event/act/0000/" + status
		if status == "ready" {
			_, err := r.Update(t.Context(), 0, id, func(item work.Item) (*work.Item, []store.Change, error) {
				next, _ := stuck.Orphaned(item)
				return next, nil, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		item, err := stuck.Find(t.Context(), r, 0, id)
		if err != nil || item.Status != work.Parked {
			t.Fatalf("%s: %v", item.Status, err)
		}
		if err := stuck.Adopt(t.Context(), r, item, time.Now()); err != nil {
			t.Error(err)
		}
		want := work.Parked // for another reason
		if status == "ready" {
			want = work.Ready
		}
		if item, err = stuck.Find(t.Context(), r, 0, id); err != nil || item.Status != want {
			t.Errorf("%s became %s: %v", status, item.Status, err)
		}
	}
}
