package pdftext

import "bytes"

const (
	maxObjects = 500_000
	maxHeld    = 64 << 20 // decoded object streams
)

// place is where an object begins.
type place struct {
	data []byte
	pos  int
}

type file struct {
	data      []byte
	work      *work
	objects   map[int]place
	catalog   any // the last one that a trailer names
	encrypted bool
	held      int
}

// index finds all objects. Of several of one number the last counts, as it
// does where a file was changed by appending to it.
func (f *file) index() {
	for pos := 0; len(f.objects) < maxObjects; {
		n := bytes.Index(f.data[pos:], []byte("obj"))
		if n < 0 || !f.work.spend(n+16) {
			break
		}
		pos += n + 3
		if number, ok := numberBefore(f.data[:pos-3]); ok {
			f.objects[number] = place{f.data, pos}
			pos = max(pos, f.see(pos))
		}
	}
	f.trailers()
}

// numberBefore reads the "12 0 " before "obj".
func numberBefore(data []byte) (int, bool) {
	rest, _, ok1 := cutNumber(data)
	_, n, ok2 := cutNumber(rest)
	return n, ok1 && ok2
}

func cutNumber(data []byte) (rest []byte, n int, ok bool) {
	end := len(data)
	for end > 0 && len(data)-end < 16 && isSpace(data[end-1]) {
		end--
	}
	start := end
	for start > 0 && end-start < 9 && '0' <= data[start-1] && data[start-1] <= '9' {
		start--
	}
	for _, c := range data[start:end] {
		n = n*10 + int(c-'0')
	}
	return data[:start], n, start < end && end < len(data)
}

// see looks at an object once, for what the index needs of it, and says where
// to look for the next: behind a stream, but not behind an object that may be
// damaged and seem to reach to the end of the file.
func (f *file) see(pos int) int {
	v, end := f.parse(place{f.data, pos})
	s, ok := v.(stream)
	if !ok {
		return pos
	}
	switch s.dict["Type"] {
	case name("ObjStm"):
		f.open(s)
	case name("XRef"):
		f.trailer(s.dict)
	}
	return end
}

func (f *file) trailers() {
	for pos := 0; ; {
		n := bytes.Index(f.data[pos:], []byte("trailer"))
		if n < 0 || !f.work.spend(n+16) {
			return
		}
		pos += n + len("trailer")
		l := &lexer{data: f.data, pos: pos, work: f.work}
		if d, ok := l.object().(dict); ok {
			f.trailer(d)
		}
	}
}

func (f *file) trailer(d dict) {
	if root, ok := d["Root"]; ok {
		f.catalog = root
	}
	if d["Encrypt"] != nil {
		f.encrypted = true
	}
}

// open indexes the objects of an object stream.
func (f *file) open(s stream) {
	data := f.decode(s)
	if f.held += len(data); f.held > maxHeld {
		return
	}
	first := integer(f.resolve(s.dict["First"]))
	l := &lexer{data: data, work: f.work}
	for range integer(f.resolve(s.dict["N"])) {
		num, ok1 := l.object().(float64)
		offset, ok2 := l.object().(float64)
		pos := first + integer(offset)
		if !ok1 || !ok2 || pos < 0 || pos > len(data) || len(f.objects) >= maxObjects {
			return
		}
		f.objects[integer(num)] = place{data, pos}
	}
}

// resolve follows references, not in circles.
func (f *file) resolve(v any) any {
	for range 8 {
		r, ok := v.(ref)
		if !ok {
			return v
		}
		at, ok := f.objects[int(r)]
		if !ok {
			return nil
		}
		v, _ = f.parse(at)
	}
	return nil
}

func (f *file) dict(v any) dict {
	switch v := f.resolve(v).(type) {
	case dict:
		return v
	case stream:
		return v.dict
	}
	return nil
}

func (f *file) array(v any) array {
	a, _ := f.resolve(v).(array)
	return a
}

// parse reads the object at a place, with its stream, and says where it ends.
func (f *file) parse(at place) (any, int) {
	l := &lexer{data: at.data, pos: at.pos, work: f.work}
	v := l.object()
	d, ok := v.(dict)
	if !ok {
		return v, l.pos
	}
	l.skipSpace()
	if !l.at("stream") {
		return d, l.pos
	}
	start := skipLine(l.data, l.pos+len("stream"))
	end := f.streamEnd(l.data, start, d["Length"])
	return stream{d, l.data[start:end]}, end
}

func skipLine(data []byte, pos int) int {
	if pos < len(data) && data[pos] == '\r' {
		pos++
	}
	if pos < len(data) && data[pos] == '\n' {
		pos++
	}
	return pos
}

// streamEnd believes a length only if the stream's end stands behind it.
func (f *file) streamEnd(data []byte, start int, length any) int {
	if n, ok := length.(float64); ok && n >= 0 && n <= float64(len(data)-start) {
		end := start + int(n)
		if bytes.HasPrefix(bytes.TrimLeft(data[end:min(end+16, len(data))], "\r\n \t"), []byte("endstream")) {
			return end
		}
	}
	n := bytes.Index(data[start:], []byte("endstream"))
	if n < 0 {
		n = len(data) - start
	}
	f.work.spend(n)
	return start + n
}
