package pdftext

import "bytes"

const maxTree = 10_000 // nodes of the page tree that are visited

type page struct {
	resources dict
	contents  any
	rotate    int
}

// pages walks the page tree, which may be no tree in a damaged file.
func (f *file) pages(limit int) []page {
	w := &pageWalk{file: f, limit: limit, seen: map[ref]bool{}}
	w.visit(f.dict(f.catalog)["Pages"], page{}, 0)
	return w.found
}

type pageWalk struct {
	file  *file
	limit int
	seen  map[ref]bool
	found []page
}

func (w *pageWalk) visit(node any, inherited page, depth int) {
	r, isRef := node.(ref)
	if !isRef || w.seen[r] || depth > maxDepth || len(w.seen) > maxTree || len(w.found) >= w.limit {
		return
	}
	w.seen[r] = true
	d := w.file.dict(node)
	here := w.inherit(d, inherited)
	if kids := w.file.array(d["Kids"]); kids != nil {
		for _, kid := range kids {
			w.visit(kid, here, depth+1)
		}
		return
	}
	here.contents = d["Contents"]
	w.found = append(w.found, here)
}

func (w *pageWalk) inherit(d dict, p page) page {
	if resources := w.file.dict(d["Resources"]); resources != nil {
		p.resources = resources
	}
	if rotate, ok := w.file.resolve(d["Rotate"]).(float64); ok {
		p.rotate = (integer(rotate)%360 + 360) % 360
	}
	return p
}

func (f *file) contents(p page) []byte {
	var all [][]byte
	size := 0
	for _, part := range f.list(p.contents) {
		if s, ok := f.resolve(part).(stream); ok && size < maxDecoded && !f.work.exhausted() {
			data := f.decode(s)
			size += len(data)
			all = append(all, data)
		}
	}
	return bytes.Join(all, []byte("\n"))
}
