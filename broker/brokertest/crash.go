package brokertest

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

	"github.com/talix-dev/talix/broker"
)

const (
	// childVariable makes a process of the test binary the one to be killed;
	// its value says what it has to do.
	childVariable = "TALIX_BROKERTEST_CHILD"
	// killsVariable says how often to kill; for long runs.
	killsVariable = "TALIX_BROKERTEST_KILLS"
)

// Crash proves that messages survive a receiver and publisher that is killed.
// It starts the test binary again as a child that runs the same test, publishes
// and receives at once, and leaves some messages unsettled; kills it with
// SIGKILL at a random moment; and starts the next one. After 5 kills, or as
// many as the variable TALIX_BROKERTEST_KILLS says, it receives the rest
// itself. Whatever Publish promised came; what was not settled came again, in
// the next child, before later messages of its key.
//
//	func TestCrash(t *testing.T) {
//		t.Parallel()
//		brokertest.Crash(t, startServer, open)
//	}
//
// address is called once, in the parent, and says what open gets as its
// address everywhere. In the child Crash does not return. args are added to
// the child's command line.
func Crash(t *testing.T, address func(testing.TB) string, open func(tb testing.TB, address string) (broker.Broker, error), args ...string) {
	t.Helper()
	if job := os.Getenv(childVariable); job != "" {
		runChild(t, open, parseOrder(job))
	}
	k := &killer{TB: t, open: open, args: append(childArgs(t.Name()), args...)}
	k.order = order{address: address(t), topic: "crash-" + unique()}
	k.run()
}

// childArgs run one test alone.
func childArgs(test string) []string {
	var run []string
	for part := range strings.SplitSeq(test, "/") {
		run = append(run, "^"+regexp.QuoteMeta(part)+"$")
	}
	return []string{"-test.run=" + strings.Join(run, "/"), "-test.timeout=5m"}
}

// crashKeys is how many keys there are, crashGroup the group that receives.
const (
	crashKeys  = 6
	crashGroup = "crash"
)

// order is what a child has to do.
type order struct {
	address, topic string
	promised       [crashKeys]int // of each key, the number up to which was published
}

func (o order) String() string {
	words := []string{strconv.Quote(o.address), o.topic}
	for _, n := range o.promised {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(words, "\n")
}

func parseOrder(job string) order {
	words := strings.Split(job, "\n")
	address, err := strconv.Unquote(words[0])
	if err != nil || len(words) != 2+crashKeys {
		panic("bad " + childVariable + " " + job)
	}
	o := order{address: address, topic: words[1]}
	for k := range o.promised {
		o.promised[k], _ = strconv.Atoi(words[2+k])
	}
	return o
}

// killer is the parent's side.
type killer struct {
	testing.TB
	open  func(tb testing.TB, address string) (broker.Broker, error)
	args  []string
	order order
	ledger
	said bytes.Buffer // what else the last child had to say
}

func (k *killer) run() {
	k.Helper()
	for range kills() {
		k.round()
		if k.Failed() {
			k.Fatalf("the last child said: %s", &k.said)
		}
		k.endRun()
	}
	k.finish()
	k.Logf("%d messages were published, %d came again to another process", k.published(), k.again)
	if k.again == 0 {
		k.Error("no message came again, so nothing was proved: kill more often, with " + killsVariable)
	}
}

func kills() int {
	if n, err := strconv.Atoi(os.Getenv(killsVariable)); err == nil && n > 0 {
		return n
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
	k.order.promised = k.promised
	var complaints bytes.Buffer
	cmd := exec.CommandContext(k.Context(), program, k.args...)
	cmd.Env = append(os.Environ(), childVariable+"="+k.order.String())
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
	what, after := sayReceived, rand.IntN(300)
	if rand.IntN(4) == 0 {
		what = sayPublished
	}
	for n := 0; ; {
		line, err := out.ReadString('\n')
		if err != nil {
			return killed // and half a line says nothing
		}
		said := k.heard(k, strings.Fields(line))
		if said == "" {
			k.said.WriteString(line)
		}
		if said == what {
			n++
		}
		if n > after && !killed {
			killed = child.Kill() == nil
		}
	}
}
