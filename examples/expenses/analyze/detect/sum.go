package detect

// Points for what speaks for a candidate.
const (
	pointsExplained = 25 // other amounts add up to it
	pointsMarked    = 15 // it is written as money
	pointsMain      = 5  // in the currency that the document uses most
	minPoints       = 30
	maxExtras       = 6
)

var rolePoints = map[role]int{grand: 100, due: 85, total: 80, paid: 45, prepaid: 35, tendered: 25}

// choose finds the amount that a document is about, and whether a label says
// that it is the total.
func choose(all []labelled, main string) (chosen labelled, ok bool) {
	best := minPoints
	for _, c := range all {
		points := candidatePoints(c, all, main)
		if points > best || points == best && ok && larger(c, chosen) {
			chosen, best, ok = c, points, true
		}
	}
	return chosen, ok
}

// larger: of equal candidates the larger one is meant, since parts are smaller
// than their sum, and of equal ones the later.
func larger(a, b labelled) bool { return magnitude(a.value) >= magnitude(b.value) }

func magnitude(d decimal) decimal { return max(d, -d) }

func candidatePoints(c labelled, all []labelled, main string) int {
	points := rolePoints[c.role]
	if points == 0 || c.value == 0 {
		return 0
	}
	if c.marked() {
		points += pointsMarked
	}
	if c.currency == main && main != "" {
		points += pointsMain
	}
	if explained(c, all) {
		points += pointsExplained
	}
	if c.role == due && hasDeposit(c, all) {
		points -= 2 * pointsExplained // the expense is the whole, not what is left of it
	}
	return points
}

// explained: subtotal, taxes and extras add up to the candidate, or it is
// what was handed over less what came back.
func explained(c labelled, all []labelled) bool {
	var bases, added, given, back []decimal
	for _, other := range all {
		switch other.role {
		case subtotal:
			bases = append(bases, other.value)
		case total, grand:
			if other.value < c.value && other.value > 0 {
				bases = append(bases, other.value)
			}
		case tax, extra:
			added = append(added, other.value)
		case tendered:
			given = append(given, other.value)
		case change:
			back = append(back, magnitude(other.value))
		}
	}
	return addsUp(c.value, bases, added) || isPayment(c.value, given, back)
}

// addsUp tries all choices of a few added amounts.
func addsUp(want decimal, bases, added []decimal) bool {
	added = added[:min(len(added), maxExtras)]
	for _, base := range bases[:min(len(bases), maxExtras)] {
		for choice := 1; choice < 1<<len(added); choice++ {
			sum := base
			for i, a := range added {
				if choice&(1<<i) != 0 {
					sum += a
				}
			}
			if sum == want {
				return true
			}
		}
	}
	return false
}

func isPayment(want decimal, given, back []decimal) bool {
	for _, g := range given {
		for _, b := range back {
			if g-b == want && b > 0 {
				return true
			}
		}
	}
	return false
}

// hasDeposit: a part of a larger total was paid before.
func hasDeposit(c labelled, all []labelled) bool {
	larger, before := false, false
	for _, other := range all {
		isTotal := other.role == grand || other.role == total
		larger = larger || isTotal && other.value > c.value && other.marked()
		before = before || other.role == prepaid
	}
	return larger && before
}

// largest is the largest amount with a currency: what is left to go by where
// no label is known.
func largest(lines []line) (labelled, bool) {
	var best labelled
	ok := false
	for i, l := range lines {
		for _, a := range l.amounts {
			if a.currency != "" && a.decimals && magnitude(a.value) > magnitude(best.value) {
				best, ok = labelled{a, unknown, i}, true
			}
		}
	}
	return best, ok
}
