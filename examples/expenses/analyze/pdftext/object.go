package pdftext

// The kinds of PDF objects. A number is a float64, a boolean a bool, null nil.
type (
	name   string
	str    string
	array  []any
	dict   map[name]any
	ref    int    // the number of an object; generations are not told apart
	word   string // an operator or a keyword
	stream struct {
		dict dict
		raw  []byte
	}
)

// maxNumber keeps sums and products of numbers finite.
const maxNumber = 1e9

func number(v any) float64 {
	n, _ := v.(float64)
	return max(-maxNumber, min(n, maxNumber))
}

func integer(v any) int { return int(number(v)) }

func numbers(operands []any, n int) ([]float64, bool) {
	if len(operands) < n {
		return nil, false
	}
	out := make([]float64, n)
	for i, v := range operands[len(operands)-n:] {
		out[i] = number(v)
	}
	return out, true
}
