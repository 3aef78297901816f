package brokertest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/talix-dev/talix/broker"
)

func messageCases() []testCase {
	return []testCase{
		{"FieldsArriveByteForByte", needs{}, fieldsArrive},
		{"AttributesOfAllKinds", needs{}, attributesArrive},
		{"DataOfAllKinds", needs{}, dataArrives},
		{"LongNames", needs{}, longNames},
		{"MessageWithoutIDGetsOne", needs{}, withoutID},
		{"CallersBuffersAreTheirOwn", needs{}, buffers},
	}
}

func fieldsArrive(f *fixture) {
	m := message("schlüssel/Ключ 鍵 #1.*>", 1)
	m.Time = time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)
	m.Attributes = map[string]string{"content-type": "text/plain"}
	f.arrives(m)
}

func attributesArrive(f *fixture) {
	m := message("k", 1)
	m.Attributes = map[string]string{
		"plain": "value", "Capital-Letters": "Kept As They ARE", "capital-letters": "another",
		"empty": "", "blanks": "  before and after\t", "lines": "one\r\ntwo\n", "größe": "naïve – 漢字 🙂",
		"with blank": "v", "colon:": "v:", "_under.dot/slash": "v", "ce_id": "1", "ce-id": "2", "cloudEvents:id": "3",
		"Nats-Msg-Id": "not for the server", "Content-Type": "application/json", "x-death": "v",
		"long": strings.Repeat("x", 2000), "%41+": "%zz+ =?utf-8?q?x?=", `"quote"`: `\"`,
	}
	f.arrives(m)
}

func dataArrives(f *fixture) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, data := range map[string][]byte{
		"empty": {}, "zero": {0}, "binary": all, "json": []byte(`{"a": 1}` + "\n"), "large": random(200_000),
	} {
		m := message("k", 1)
		m.ID, m.Data = name, data
		f.arrives(m)
	}
}

func random(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // not for secrets
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func longNames(f *fixture) {
	m := message("k", 1)
	m.ID, m.Key = strings.Repeat("i", 255), strings.Repeat("k", 1024)
	m.Attributes = map[string]string{strings.Repeat("a", 128): "v"}
	f.arrives(m)
}

// arrives publishes a message to a topic of its own and checks every field of
// what comes.
func (f *fixture) arrives(m broker.Message) {
	f.Helper()
	f.topic = "topic-" + unique()
	f.publish(m)
	r := f.receive(f.broker, "g")
	defer r.stop()
	d := r.handle(1)[0]
	if err := same(d.Message, m); err != nil {
		f.Errorf("message %.40q arrived otherwise than it was published: %v", m.ID, err)
	}
}

func same(got, want broker.Message) error {
	switch {
	case got.ID != want.ID:
		return fmt.Errorf("id is %q, want %q", got.ID, want.ID)
	case got.Key != want.Key:
		return fmt.Errorf("key is %q, want %q", got.Key, want.Key)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Errorf("data is %d bytes %.80q, want %d bytes %.80q", len(got.Data), got.Data, len(want.Data), want.Data)
	case !want.Time.IsZero() && !got.Time.Truncate(time.Millisecond).Equal(want.Time.Truncate(time.Millisecond)):
		return fmt.Errorf("time is %v, want %v", got.Time, want.Time)
	}
	return sameAttributes(got.Attributes, want.Attributes)
}

func sameAttributes(got, want map[string]string) error {
	if maps.Equal(got, want) {
		return nil
	}
	for name, value := range want {
		if g, ok := got[name]; !ok || g != value {
			return fmt.Errorf("attribute %q is %.80q (there: %t), want %.80q", name, g, ok, value)
		}
	}
	return fmt.Errorf("attributes are %q, want %q", got, want)
}

// withoutID: the id that the driver makes is the same when the message comes
// again.
func withoutID(f *fixture) {
	m := broker.Message{Key: "k", Data: []byte("1")}
	f.publish(m, m)
	r := f.receive(f.broker, "g")
	first := r.take(2)
	if first[0].ID == "" || first[1].ID == "" || first[0].ID == first[1].ID {
		f.Fatalf("messages published without an id have the ids %q and %q, want two different ones", first[0].ID, first[1].ID)
	}
	r.cancel()
	f.back(first...)
	r.wantEnd()
	f.reopen(f.broker)
	again := f.receive(f.broker, "g").handle(2)
	f.wantIDs(again, first[0].Message, first[1].Message)
}

// buffers: what Publish was given may be changed once it returned, and what
// one receiver does with its message is not seen by others.
func buffers(f *fixture) {
	m := message("k", 1)
	m.Attributes = map[string]string{"a": "v"}
	want := m
	want.Data, want.Attributes = bytes.Clone(m.Data), maps.Clone(m.Attributes)
	f.publish(m)
	m.Data[0], m.Attributes["a"] = '!', "!"
	for _, group := range []string{"g1", "g2"} {
		r := f.receive(f.broker, group)
		d := r.handle(1)[0]
		if err := same(d.Message, want); err != nil {
			f.Errorf("group %s: %v", group, err)
		}
		d.Data[0], d.Attributes["a"] = '?', "?"
		r.stop()
	}
}
