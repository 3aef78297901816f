package detect

import "strings"

// tally is what currencies a document speaks of.
type tally struct {
	where region
	named map[string]int // how often each code stands somewhere
	main  string         // of most amounts, or the only one that is named
}

func currencyOf(lines []line, where region) tally {
	t := tally{where: where, named: map[string]int{}}
	marks := map[string]int{}
	for _, l := range lines {
		for _, a := range l.amounts {
			if a.currency != "" {
				marks[a.currency]++
			}
		}
		for field := range strings.FieldsFuncSeq(l.text, func(r rune) bool {
			return !isLetter(r) && r != '€' && r != '£' && r != '$' && r != '¥' && r != '円'
		}) {
			t.name(field)
		}
	}
	votes := map[string]int{}
	for mark, n := range marks {
		votes[where.resolve(mark, t.named)] += n
	}
	t.main = most(votes, 1)
	if t.main == "" {
		t.main = t.onlyNamed()
	}
	return t
}

// name counts a code or a sign that stands by itself: "Preise in EUR".
func (t tally) name(field string) {
	if isMark(field) {
		t.named[field]++
		return
	}
	for _, s := range signs {
		if s.text == field && (len(field) > 2 || strings.ContainsAny(field, "€£¥円")) {
			t.named[s.currency]++
			return
		}
	}
}

func (t tally) onlyNamed() string {
	if code := most(t.named, 1); code != "" {
		return t.where.resolve(code, t.named)
	}
	return t.where.currency()
}

// of is the currency of one amount: as marked at it or on its line, else the
// document's.
func (t tally) of(sum labelled, lines []line) string {
	if sum.currency != "" {
		return t.where.resolve(sum.currency, t.named)
	}
	line := tally{where: t.where, named: map[string]int{}}
	for field := range strings.FieldsFuncSeq(lines[sum.line].text, func(r rune) bool { return !isLetter(r) && r != '€' && r != '£' && r != '¥' }) {
		line.name(field)
	}
	if len(line.named) == 1 {
		return t.where.resolve(most(line.named, 1), t.named)
	}
	return t.main
}

// resolved gives all amounts their codes, so that they can be compared.
func resolved(all []labelled, t tally) []labelled {
	for i := range all {
		if all[i].currency != "" {
			all[i].currency = t.where.resolve(all[i].currency, t.named)
		}
	}
	return all
}
