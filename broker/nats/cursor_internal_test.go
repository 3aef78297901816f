package nats

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// TestCursor holds a cursor against a plain set, and its form to what makes it
// small: spans in order, with gaps between, above the floor.
func TestCursor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const most = 40
		var c cursor
		set := map[uint64]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			first := rapid.Uint64Range(1, most).Draw(t, "first")
			last := rapid.Uint64Range(first-1, min(first+5, most)).Draw(t, "last")
			c.add(first, last)
			for n := first; n <= last; n++ {
				set[n] = true
			}
			checkForm(t, c)
			for n := uint64(1); n <= most+1; n++ {
				if c.has(n) != set[n] {
					t.Fatalf("after %d–%d, %+v has %d: %t, want %t", first, last, c, n, c.has(n), set[n])
				}
			}
		}
		checkJSON(t, c)
	})
}

func checkForm(t *rapid.T, c cursor) {
	before := c.Floor
	for _, s := range c.Done {
		if s[0] <= before+1 || s[1] < s[0] {
			t.Fatalf("%+v is not in its least form", c)
		}
		before = s[1]
	}
}

func checkJSON(t *rapid.T, c cursor) {
	text, err := json.Marshal(record{cursor: c})
	if err != nil {
		t.Fatal(err)
	}
	var again record
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n < 50; n++ {
		if again.has(n) != c.has(n) {
			t.Fatalf("%s has %d: %t, want %t", text, n, again.has(n), c.has(n))
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for topic, want := range map[string]string{
		"orders": "orders", "orders.eu": "orders_eu_", "a b": "a_b_", "größe": "gr__e_",
	} {
		if got := streamName(topic); got != want && (len(got) != len(want)+8 || got[:len(want)] != want) {
			t.Errorf("the stream of %q is %q, want %q and a sum", topic, got, want)
		}
	}
	if streamName("a.b") == streamName("a_b") || streamName("a.b") == streamName("a b") {
		t.Error("two topics have one stream")
	}
	for topic, want := range map[string]string{
		"orders": "orders-dead", "orders.eu": "orders.eu-dead", "orders.>": "orders-dead", "orders.*.paid": "orders-dead", ">": "dead",
	} {
		if got := deadLetter(topic); got != want {
			t.Errorf("the dead letters of %q are in %q, want %q", topic, got, want)
		}
	}
}
