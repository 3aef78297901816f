package pdftext

import "math"

// matrix maps (x, y) to (a·x + c·y + e, b·x + d·y + f).
type matrix struct{ a, b, c, d, e, f float64 }

var identity = matrix{a: 1, d: 1}

// then applies m first and n second.
func (m matrix) then(n matrix) matrix {
	return matrix{
		a: m.a*n.a + m.b*n.c, b: m.a*n.b + m.b*n.d,
		c: m.c*n.a + m.d*n.c, d: m.c*n.b + m.d*n.d,
		e: m.e*n.a + m.f*n.c + n.e, f: m.e*n.b + m.f*n.d + n.f,
	}
}

func move(x, y float64) matrix { return matrix{a: 1, d: 1, e: x, f: y} }

func toMatrix(n []float64) matrix { return matrix{n[0], n[1], n[2], n[3], n[4], n[5]} }

func (m matrix) apply(x, y float64) (float64, float64) {
	return m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f
}

// height is how tall something of height 1 becomes.
func (m matrix) height() float64 { return math.Hypot(m.c, m.d) }

// upright says that text runs from left to right.
func (m matrix) upright() bool { return m.a > 0 && math.Abs(m.b) < m.a/4 }

func rotation(degrees int) matrix {
	switch degrees {
	case 90:
		return matrix{b: -1, c: 1}
	case 180:
		return matrix{a: -1, d: -1}
	case 270:
		return matrix{b: 1, c: -1}
	}
	return identity
}
