package storetest

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/talix-dev/talix/store"
)

const (
	// childVariable makes a process of the test binary the one to be killed;
	// its value is the folder of the store.
	childVariable = "TALIX_STORETEST_CHILD"
	// killsVariable says how often to kill; for long runs.
	killsVariable = "TALIX_STORETEST_KILLS"
)

// Kill proves that a durable store keeps its promises when its process is
// killed. It starts the test binary again as a child that runs the same test
// and commits as fast as it can; kills it with SIGKILL at a random moment;
// reopens the store and holds it against what the child said: every batch that
// was acknowledged is there once, every other one is there whole or not at all,
// results, marks and records agree with events, and Check finds no fault. Then the next
// child goes on with the same store. It does so 5 times (2 with -short), or as
// often as the variable TALIX_STORETEST_KILLS says.
//
//	func TestKill(t *testing.T) {
//		t.Parallel()
//		storetest.Kill(t, factory())
//	}
//
// In the child Kill does not return, so nothing but opening may depend on it.
// args are added to the child's command line. Since the operating system
// outlives the process, this does not show that a store survives power loss.
func Kill(t *testing.T, f Factory, args ...string) {
	t.Helper()
	k := newKiller(t, t.Name(), func(dir string) (store.Store, error) { return f.Open(t, dir) })
	k.args = append(k.args, args...)
	k.run()
}

// killer is the parent's side.
type killer struct {
	testing.TB
	open opener
	dir  string
	args []string
	rand *rand.Rand

	acknowledged map[acknowledgement]bool
	said         bytes.Buffer // what else the last child had to say
}

// acknowledgement of one batch.
type acknowledgement struct {
	partition store.Partition
	key       store.ID
}

func newKiller(tb testing.TB, test string, open opener) *killer {
	var run []string
	for _, part := range strings.Split(test, "/") {
		run = append(run, "^"+regexp.QuoteMeta(part)+"$")
	}
	return &killer{
		TB: tb, open: open, acknowledged: map[acknowledgement]bool{},
		args: []string{"-test.run=" + strings.Join(run, "/"), "-test.timeout=5m"},
	}
}

func (k *killer) run() {
	k.Helper()
	if dir := os.Getenv(childVariable); dir != "" {
		newChild(k.TB, k.open, dir).run()
	}
	k.dir, k.rand = k.TempDir(), newRand(k.TB)
	for range kills() {
		k.round()
		k.verify()
	}
	k.Logf("%d acknowledged batches were held against the store", len(k.acknowledged))
}

func kills() int {
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 2
	}
	return 5
}

// round runs one child and kills it.
func (k *killer) round() {
	k.Helper()
	program, err := os.Executable()
	if err != nil {
		k.Fatalf("find test binary: %v", err)
	}
	k.said.Reset()
	var complaints bytes.Buffer
	cmd := exec.CommandContext(k.Context(), program, k.args...)
	cmd.Env = append(os.Environ(), childVariable+"="+k.dir)
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.Fatalf("make pipe: %v", err)
	}
	if err := cmd.Start(); err != nil {
		k.Fatalf("start child: %v", err)
	}
	killed := k.listen(bufio.NewReader(out), cmd.Process)
	err = cmd.Wait()
	if !killed {
		k.Fatalf("the child ended by itself: %v\n%s%s", err, &k.said, &complaints)
	}
}

// listen reads what the child says, kills it when it has said enough, and reads
// what is left in the pipe.
func (k *killer) listen(out *bufio.Reader, child *os.Process) (killed bool) {
	k.Helper()
	after := k.rand.IntN(2000) // acknowledgements
	if k.rand.IntN(5) == 0 {
		after = 0 // while it opens
	}
	for n := -1; ; {
		line, err := out.ReadString('\n')
		if err != nil {
			return killed // and half a line says nothing
		}
		if k.heard(strings.Fields(line)) {
			n++
		} else {
			k.said.WriteString(line)
		}
		if n >= after && !killed {
			killed = child.Kill() == nil
		}
	}
}

// heard notes an acknowledgement. The child starts with a word of greeting.
func (k *killer) heard(words []string) bool {
	if len(words) == 1 && words[0] == childOpens {
		return true
	}
	if len(words) != 3 || words[0] != childDone {
		return false
	}
	p, err := strconv.Atoi(words[1])
	if err != nil {
		return false
	}
	key, err := store.ParseID(words[2])
	if err != nil {
		return false
	}
	k.acknowledged[acknowledgement{store.Partition(p), key}] = true
	return true
}
