package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/talix-dev/talix/broker"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		message broker.Message
		says    string // empty: it is fine
	}{
		"empty":         {broker.Message{}, ""},
		"longest":       {broker.Message{ID: strings.Repeat("i", 255), Key: strings.Repeat("k", 1024), Attributes: map[string]string{strings.Repeat("a", 128): "\n"}}, ""},
		"dead letter":   {broker.Message{Attributes: map[string]string{broker.DeadReason: "r", broker.DeadTopic: "t", broker.DeadGroup: "g"}}, ""},
		"long id":       {broker.Message{ID: strings.Repeat("i", 256)}, "id"},
		"long key":      {broker.Message{Key: strings.Repeat("k", 1025)}, "key"},
		"id no UTF-8":   {broker.Message{ID: "\xff"}, "UTF-8"},
		"key no UTF-8":  {broker.Message{Key: "\xff"}, "UTF-8"},
		"no name":       {broker.Message{Attributes: map[string]string{"": "v"}}, "no name"},
		"long name":     {broker.Message{Attributes: map[string]string{strings.Repeat("a", 129): "v"}}, "128"},
		"name control":  {broker.Message{Attributes: map[string]string{"a\nb": "v"}}, "control"},
		"name no UTF-8": {broker.Message{Attributes: map[string]string{"\xff": "v"}}, "UTF-8"},
		"value":         {broker.Message{Attributes: map[string]string{"a": "\xff"}}, "UTF-8"},
		"reserved":      {broker.Message{Attributes: map[string]string{"Talix-key": "v"}}, "drivers"},
	}
	for name, test := range tests {
		err := test.message.Check()
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: Check says %v, want %q", name, err, test.says)
		}
	}
}

func ExampleDeadLetter() {
	fmt.Println(broker.DeadLetter("orders"))
	// Output: orders-dead
}

func ExampleMessage_Check() {
	fmt.Println(broker.Message{ID: "1", Attributes: map[string]string{"talix-x": ""}}.Check())
	// Output: message "1": the attribute name "talix-x" begins with "talix-", which is for drivers: choose another
}
