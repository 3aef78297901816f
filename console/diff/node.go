// Package diff tells how one JSON document differs from another, for people:
// as lines with what changed marked.
package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// node is a value of a document. Members keep their order.
type node struct {
	kind    byte // '{', '[' or 'v'
	text    string
	names   []string // of an object's members
	members []*node
}

// maxDepth bounds how deep documents are looked into.
const maxDepth = 64

// parse reads a document. What is no JSON is shown as it is.
func parse(data []byte) *node {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	n, err := read(d, 0)
	if _, more := d.Token(); err != nil || more != io.EOF {
		return &node{kind: 'v', text: string(data)}
	}
	return n
}

func read(d *json.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is deeper than %d", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return &node{kind: 'v', text: literal(token)}, nil
	}
	n := &node{kind: byte(delim)}
	for d.More() {
		if err := n.readMember(d, depth); err != nil {
			return nil, err
		}
	}
	_, err = d.Token() // the end
	return n, err
}

func (n *node) readMember(d *json.Decoder, depth int) error {
	name := ""
	if n.kind == '{' {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ = token.(string)
	}
	member, err := read(d, depth+1)
	if err == nil {
		n.add(name, member)
	}
	return err
}

// add adds a member; of several with one name, the last one counts.
func (n *node) add(name string, member *node) {
	if n.kind == '{' {
		if i := slices.Index(n.names, name); i >= 0 {
			n.members[i] = member
			return
		}
		n.names = append(n.names, name)
	}
	n.members = append(n.members, member)
}

func literal(token json.Token) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(token); err != nil { // what was read can be written
		return fmt.Sprint(token)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// member is the one of that name, or nil.
func (n *node) member(name string) *node {
	for i, other := range n.names {
		if other == name {
			return n.members[i]
		}
	}
	return nil
}

func (n *node) equal(o *node) bool {
	if n == nil || o == nil {
		return n == o
	}
	if n.kind != o.kind || n.text != o.text || len(n.members) != len(o.members) {
		return false
	}
	for i, m := range n.members {
		other := o.members[i]
		if n.kind == '{' {
			other = o.member(n.names[i])
		}
		if other == nil || !m.equal(other) {
			return false
		}
	}
	return true
}
