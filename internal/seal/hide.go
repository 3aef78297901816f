package seal

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/talix-dev/talix/vault"
)

// Cover says what is not shown of a document.
type Cover struct {
	Hidden int // personal values in whose place the text stands
	Erased int // personal values that are gone for good, and null
}

// Hide puts a text in the place of the personal values of a document as it is
// stored: of those that are sealed, and of those that its plan tells, which may
// be from before they were tagged. plan may be nil.
func (b *Box) Hide(ctx context.Context, data []byte, plan *Plan, text string) ([]byte, Cover, error) {
	var c Cover
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil, c, err
	}
	if suspect(data) {
		if data, err = b.hide(ctx, data, quoted, &c); err != nil {
			return nil, c, err
		}
	}
	if plan != nil {
		var n int
		data, n = plan.hide(data, quoted)
		c.Hidden += n
	}
	return data, c, nil
}

func (b *Box) hide(ctx context.Context, data, text []byte, c *Cover) ([]byte, error) {
	found := sealedIn(data)
	names := make([]vault.Name, len(found))
	for i := range found {
		names[i] = found[i].name
	}
	keys, err := b.fetch(ctx, names, b.vault.Find)
	if err != nil {
		return nil, err
	}
	out, at := make([]byte, 0, len(data)), 0
	for _, s := range found {
		out = unescape(out, data[at:s.from])
		at = s.to
		if keys[s.name] == nil {
			out = append(out, "null"...)
			c.Erased++
			continue
		}
		out = append(out, text...)
		c.Hidden++
	}
	return unescape(out, data[at:]), nil
}

// Hide puts a text in the place of the personal values of a document that is not
// sealed, and counts them. What is no JSON is a personal value as a whole.
func (p *Plan) Hide(data []byte, text string) ([]byte, int) {
	quoted, err := json.Marshal(text)
	if err != nil || !json.Valid(data) {
		return []byte("null"), 1
	}
	return p.hide(data, quoted)
}

func (p *Plan) hide(data, quoted []byte) ([]byte, int) {
	if !json.Valid(data) {
		return quoted, 1
	}
	w := walker{data: data}
	w.visit(p.root, 0, "someone") // whoever it is
	return w.replaced(quoted)
}

// HideAll puts a text in the place of all values of a document that are not
// null, and leaves its structure and names.
func HideAll(data []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil || !json.Valid(data) {
		return []byte("null")
	}
	w := walker{data: data}
	w.leaves(0)
	out, _ := w.replaced(quoted)
	return out
}

// leaves finds the values that hold no others.
func (w *walker) leaves(i int) int {
	i = w.space(i)
	if c := w.data[i]; c == '{' || c == '[' {
		return w.items(i, c == '{', func(_ []byte, at int) int { return w.leaves(at) })
	}
	end := w.skip(i)
	if w.data[i] != 'n' {
		w.found = append(w.found, span{from: i, to: end})
	}
	return end
}

// replaced puts a value in the place of those found, and counts those that were
// another one.
func (w *walker) replaced(quoted []byte) (out []byte, n int) {
	at := 0
	for _, s := range w.found {
		if !bytes.Equal(w.data[s.from:s.to], quoted) {
			n++
		}
		out = append(append(out, w.data[at:s.from]...), quoted...)
		at = s.to
	}
	return append(out, w.data[at:]...), n
}
