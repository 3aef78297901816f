package broker

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxID   = 255
	maxKey  = 1024
	maxName = 128
)

// Check tells what of a message breaks the rules that stand at its fields.
// Drivers call it in Publish.
func (m Message) Check() error {
	faults := []error{checkText("id", m.ID, maxID), checkText("key", m.Key, maxKey)}
	for name, value := range m.Attributes {
		faults = append(faults, checkName(name), checkText("attribute "+name, value, -1))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("message %.40q: %w", m.ID, err)
	}
	return nil
}

func checkText(what, s string, most int) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("its %.40s is not UTF-8", what)
	case most >= 0 && len(s) > most:
		return fmt.Errorf("its %s has %d bytes, more than %d", what, len(s), most)
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("an attribute has no name")
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the attribute name %.40q has a control character", name)
	case Reserved(name) && name != DeadReason && name != DeadTopic && name != DeadGroup:
		return fmt.Errorf("the attribute name %.40q begins with \"talix-\", which is for drivers: choose another", name)
	}
	return checkText("attribute name", name, maxName)
}

// Reserved tells whether a name of an attribute belongs to drivers.
func Reserved(name string) bool {
	const prefix = "talix-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}
