// Package detect reads from a document's text whether it is an expense, and
// of how much, when and by whom. It goes by words and by how things are
// written, in English, German, French, Spanish and to some extent in other
// languages. The same text always gives the same answer.
package detect

import (
	"cmp"
	"fmt"
	"strings"
)

// Result is what a text says. Of an expense Amount and Currency are set;
// Vendor and Date are empty where the text does not say them.
type Result struct {
	IsExpense bool
	Vendor    string
	Amount    string // exact, with a point and the currency's decimals: "11.55"
	Currency  string // ISO 4217
	Date      string // "2025-03-14"
	Reason    string // why it is taken for an expense, or why not
}

// Options of Detect. The zero value works.
type Options struct {
	// Currency of documents that name none and that nothing else in them
	// gives away. Defaults to none: they are taken for no expense then.
	Currency string
}

// Detect reads a text of any length and kind.
func Detect(text string, options Options) Result {
	lines := read(text)
	where := whereFrom(lines)
	what := whatIs(lines)
	currency := currencyOf(lines, where)
	sum, ok := choose(resolved(labelAll(lines), currency), currency.main)
	if ok {
		what.points += labelledSum
	} else if sum, ok = largest(lines); ok && what.points < threshold+expenseTitle {
		ok = false
	}
	if reason := what.against(ok); reason != "" {
		return Result{Reason: reason}
	}
	code := cmp.Or(currency.of(sum, lines), options.Currency)
	if code == "" {
		return Result{Reason: "no expense: its total has no currency"}
	}
	found := result(lines, where, what, sum, code)
	if found.Vendor == "" && what.points < anonymous {
		return Result{Reason: "no expense: no vendor can be found in it, and little else speaks of a receipt or an invoice"}
	}
	return found
}

func (k kind) against(hasSum bool) string {
	switch {
	case k.other != "" && k.points < threshold:
		return fmt.Sprintf("no expense: it is titled %q", k.other)
	case !hasSum:
		return "no expense: no total can be found in it"
	case k.points < threshold:
		return "no expense: too little in it speaks of a receipt or an invoice"
	}
	return ""
}

func result(lines []line, where region, what kind, sum labelled, code string) Result {
	value := sum.value
	if what.isCredit {
		value = -magnitude(value)
	}
	amount := value.format(code)
	return Result{
		IsExpense: true,
		Vendor:    vendorOf(lines),
		Amount:    amount,
		Currency:  code,
		Date:      issued(lines, hasMonthFirst(lines, where, code)),
		Reason:    fmt.Sprintf("an expense: its total of %s %s is in the line %q", amount, code, shorten(lines[sum.line].text)),
	}
}

func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return text
}
