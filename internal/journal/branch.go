package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// all is the kind of a fork's entry.
const all = "all"

// Branch is a line of steps, one after another. It is used by one goroutine at
// a time.
type Branch struct {
	journal *Journal
	prefix  string // of its paths
	last    int    // the place that was taken last
	parent  *Branch
	fork    string // the path in parent at which it begins
}

// Root is the branch that a run begins with. It is asked for once.
func (j *Journal) Root() *Branch { return &Branch{journal: j} }

// Find takes the branch's next path for a step and tells what the journal has
// under it; Found false: the step is to be done now and then given to Keep or
// Note. An error wraps ErrChanged, or is the store's.
func (b *Branch) Find(ctx context.Context, kind, name string) (Step, error) {
	if err := b.journal.ready(ctx); err != nil {
		return Step{}, fmt.Errorf("find %s: %w", title(kind, name), err)
	}
	b.last++
	return b.journal.find(b, Entry{Path: b.prefix + number(b.last), Kind: kind, Name: name})
}

// Fork takes the branch's next path for branches that go on side by side, one
// for each name. The branch goes on when all of them have ended.
func (b *Branch) Fork(ctx context.Context, name string, names []string) ([]*Branch, error) {
	step, err := b.Find(ctx, all, name)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(append([]string{}, names...))
	if err != nil {
		return nil, fmt.Errorf("write names of branches: %w", err)
	}
	if step.Found && !bytes.Equal(step.Data, data) {
		return nil, changed("%s has the branches %s now, and had %s before", step.Entry, data, step.Data)
	}
	if !step.Found {
		step.Data = data
		b.journal.Note(step)
	}
	branches := make([]*Branch, len(names))
	for i := range names {
		branches[i] = &Branch{journal: b.journal, prefix: step.Path + "." + number(i+1) + ".", parent: b, fork: step.Path}
	}
	return branches, nil
}

func (j *Journal) find(b *Branch, want Entry) (Step, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked[want.Path] = true
	if have, ok := j.stored[want.Path]; ok {
		if have.Kind != want.Kind || have.Name != want.Name {
			return Step{}, changed("the run asks for %s, where the journal has %s", want, title(have.Kind, have.Name))
		}
		return Step{have.Entry, true}, nil
	}
	if later, ok := j.later(b, want.Path); ok {
		return Step{}, changed("the run asks for %s, where the journal has nothing, though it has %s", want, j.stored[later].Entry)
	}
	return Step{Entry: want}, nil
}

// later is a stored path of which it is certain that it was reached after the
// given one of the branch: behind it or below it, or behind the fork at which
// the branch began.
func (j *Journal) later(b *Branch, path string) (string, bool) {
	for ; b != nil; b = b.parent {
		i := sort.SearchStrings(j.paths, path+"\x00")
		if i < len(j.paths) && strings.HasPrefix(j.paths[i], b.prefix) {
			return j.paths[i], true
		}
		path = b.fork + "/" // above all that is below the fork
	}
	return "", false
}
