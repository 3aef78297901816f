package dir

import (
	"fmt"
	"strings"
)

const (
	maxKey     = 1024
	maxElement = 200 // file systems end at 255 bytes
)

// checkKey says what is wrong with a key. Only a key that it accepts reaches
// the file system.
func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("the key has %d bytes: use 1 to %d", len(key), maxKey)
	}
	for element := range strings.SplitSeq(key, "/") {
		if err := checkElement(element); err != nil {
			return err
		}
	}
	return nil
}

func checkElement(element string) error {
	switch {
	case element == "" || element == "." || element == "..":
		return fmt.Errorf("the key has the element %q: use names between single slashes", element)
	case len(element) > maxElement:
		return fmt.Errorf("an element of the key has %d bytes: use at most %d", len(element), maxElement)
	}
	if i := strings.IndexFunc(element, isForeign); i >= 0 {
		return fmt.Errorf("the key's element %q has a character that is not allowed at %d: use letters of ASCII, digits and \"-_.\"", element, i)
	}
	return nil
}

func isForeign(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return r != '-' && r != '_' && r != '.'
}
