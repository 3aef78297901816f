package pdftext

import "strings"

const (
	maxFragments = 200_000
	maxOperands  = 4096
	maxForms     = 8  // forms within forms
	maxSaved     = 64 // graphics states
)

// state is what the operators q and Q save and restore.
type state struct {
	ctm                                        matrix
	font                                       *font
	size, charSpace, wordSpace, scale, leading float64
	rise                                       float64
}

// interpreter runs the content of one page for its text.
type interpreter struct {
	file      *file
	fonts     map[ref]*font
	resources dict
	state     state
	saved     []state
	line, at  matrix // the text line matrix and the text matrix
	spaced    bool   // a space was shown last
	depth     int
	fragments []fragment
}

func (in *interpreter) page(p page) {
	in.resources = p.resources
	in.state = state{ctm: rotation(p.rotate), scale: 1}
	in.line, in.at = identity, identity
	in.run(in.file.contents(p))
}

func (in *interpreter) run(content []byte) {
	l := &lexer{data: content, work: in.file.work}
	var operands []any
	for len(in.fragments) < maxFragments {
		switch v := l.object().(type) {
		case end:
			return
		case word:
			if v == "BI" {
				skipImage(l)
			}
			in.operator(v, operands)
			operands = operands[:0]
		default:
			if len(operands) < maxOperands {
				operands = append(operands, v)
			}
		}
	}
}

// skipImage passes the bytes of a picture within the content.
func skipImage(l *lexer) {
	for start := l.pos; ; {
		n := strings.Index(string(l.data[l.pos:min(l.pos+1<<16, len(l.data))]), "EI")
		if n < 0 {
			l.pos = min(l.pos+1<<16-1, len(l.data))
		} else {
			l.pos += n + 2
		}
		closed := n >= 0 && isSpace(l.data[l.pos-3]) && (l.pos == len(l.data) || isSpace(l.data[l.pos]))
		if closed || l.pos >= len(l.data) || !l.work.spend(l.pos-start) {
			return
		}
		start = l.pos
	}
}

func (in *interpreter) operator(op word, operands []any) {
	switch op {
	case "q":
		if len(in.saved) < maxSaved {
			in.saved = append(in.saved, in.state)
		}
	case "Q":
		if n := len(in.saved); n > 0 {
			in.state, in.saved = in.saved[n-1], in.saved[:n-1]
		}
	case "cm":
		if n, ok := numbers(operands, 6); ok {
			in.state.ctm = toMatrix(n).then(in.state.ctm)
		}
	case "Do":
		in.form(operands)
	case "BT":
		in.line, in.at = identity, identity
	case "Tj", "'", "\"", "TJ":
		in.showOperator(op, operands)
	case "Td", "TD", "Tm", "T*":
		in.moveOperator(op, operands)
	default:
		in.setOperator(op, operands)
	}
}

func (in *interpreter) setOperator(op word, operands []any) {
	if op == "Tf" {
		in.setFont(operands)
		return
	}
	n, ok := numbers(operands, 1)
	if !ok {
		return
	}
	switch op {
	case "Tc":
		in.state.charSpace = n[0]
	case "Tw":
		in.state.wordSpace = n[0]
	case "Tz":
		in.state.scale = n[0] / 100
	case "TL":
		in.state.leading = n[0]
	case "Ts":
		in.state.rise = n[0]
	}
}

func (in *interpreter) setFont(operands []any) {
	if len(operands) < 2 {
		return
	}
	key, _ := operands[len(operands)-2].(name)
	in.state.font = in.font(in.file.dict(in.resources["Font"])[key])
	in.state.size = number(operands[len(operands)-1])
}

func (in *interpreter) font(v any) *font {
	r, isRef := v.(ref)
	if known, ok := in.fonts[r]; ok && isRef {
		return known
	}
	made := in.file.font(in.file.dict(v))
	if isRef {
		in.fonts[r] = made
	}
	return made
}

func (in *interpreter) moveOperator(op word, operands []any) {
	switch op {
	case "T*":
		in.nextLine()
	case "Tm":
		if n, ok := numbers(operands, 6); ok {
			in.line = toMatrix(n)
		}
	default:
		if n, ok := numbers(operands, 2); ok {
			in.line = move(n[0], n[1]).then(in.line)
			if op == "TD" {
				in.state.leading = -n[1]
			}
		}
	}
	in.at = in.line
}

func (in *interpreter) nextLine() {
	in.line = move(0, -in.state.leading).then(in.line)
	in.at = in.line
}

// form runs the content of a form as if it stood here.
func (in *interpreter) form(operands []any) {
	if len(operands) == 0 || in.depth >= maxForms {
		return
	}
	key, _ := operands[len(operands)-1].(name)
	s, ok := in.file.resolve(in.file.dict(in.resources["XObject"])[key]).(stream)
	if !ok || in.file.resolve(s.dict["Subtype"]) != name("Form") {
		return
	}
	outer := *in
	defer func() { // all but the text is as before
		in.resources, in.state, in.saved = outer.resources, outer.state, outer.saved
		in.line, in.at, in.depth = outer.line, outer.at, outer.depth
	}()
	in.depth++
	if n, ok := numbers(in.file.array(s.dict["Matrix"]), 6); ok {
		in.state.ctm = toMatrix(n).then(in.state.ctm)
	}
	if resources := in.file.dict(s.dict["Resources"]); resources != nil {
		in.resources = resources
	}
	in.run(in.file.decode(s))
}
