package detect

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxAmounts = 40 // of one line

// amount is a number on a line that may be money.
type amount struct {
	value      decimal
	currency   string // as marked at the number: a code, a sign that several share, or nothing
	decimals   bool   // it is written with decimals, or with ".-"
	inBrackets bool
	start, end int // in the line's text, with its sign and currency
}

// marked: it is written as money is.
func (a amount) marked() bool { return a.decimals || a.currency != "" }

var (
	numberToken = regexp.MustCompile(`\d+(?:[.,']\d+)*`)
	oneThousand = regexp.MustCompile(`^[1-9]\d{0,2}[.,]\d{3}$`)
	spacedTail  = regexp.MustCompile(`^(?: \d{3})+(?:[.,]\d{1,2})?`)
	noCents     = regexp.MustCompile(`^[.,] ?(?:--?|=)`)
	unitAfter   = regexp.MustCompile(`(?i)^ ?(?:%|°|(?:kg|g|mg|lb|lbs|oz|l|dl|cl|ml|gal|km|m|m2|m²|cm|mm|mi|h|hr|hrs|std|min|sec|kwh|kw|w|gb|mb|stk|st|pcs|pc|x|tage|days|nights|personen|pers|g/l|uds|ud|mwst|ust|pt|px|años|ans|jahre|years|uhr|pm|am)(?:[^\pL]|$))`)
)

// findAmounts reads the amounts of a line, leaving out its dates.
func findAmounts(text string, dates []date) []amount {
	var found []amount
	used := 0
	for _, at := range numberToken.FindAllStringIndex(text, maxAmounts) {
		if at[0] < used || within(dates, at[0]) {
			continue
		}
		n, ok := readNumber(text, at[0], at[1])
		if !ok {
			continue
		}
		a, ok := n.amount(text, used)
		if ok {
			found = append(found, a)
		}
		used = max(used, n.end, a.end)
	}
	return found
}

func within(dates []date, pos int) bool {
	for _, d := range dates {
		if d.start <= pos && pos < d.end {
			return true
		}
	}
	return false
}

// digits is a number as it is written.
type digits struct {
	value      decimal
	decimals   bool
	thousands  bool // one separator with three digits behind it: 1.250
	start, end int
}

func readNumber(text string, start, end int) (digits, bool) {
	if tail := spaced(text, start, end); tail > end {
		end = tail
	}
	token := text[start:end]
	n := digits{start: start, end: end}
	integer, fraction, ok := parts(token)
	if !ok || len(integer) > 1 && integer[0] == '0' {
		return n, false
	}
	n.decimals = fraction != ""
	n.thousands = oneThousand.MatchString(token)
	if fraction == "" {
		if m := noCents.FindString(text[end:]); m != "" && !startsWithDigit(text[end+len(m):]) {
			n.end, n.decimals = end+len(m), true
		}
	}
	n.value, ok = newDecimal(integer, fraction)
	return n, ok
}

// spaced says where a number with spaces between its thousands ends: one that
// has decimals behind them, or a currency at one side.
func spaced(text string, start, end int) int {
	if end-start > 3 {
		return end
	}
	tail := spacedTail.FindString(text[end:])
	all := end + len(tail)
	if tail == "" || startsWithDigit(text[all:]) {
		return end
	}
	if strings.ContainsAny(tail, ".,") {
		return all
	}
	if _, n := currencyAfter(text[all:]); n > 0 {
		return all
	}
	if code, _ := currencyBefore(text[:start]); code != "" {
		return all
	}
	return end
}

// parts takes a number apart. What stands for the decimal point follows from
// the number itself: the last of two different separators, or a single one
// that has not three digits behind it.
func parts(token string) (integer, fraction string, ok bool) {
	token = strings.ReplaceAll(token, " ", "'")
	last := strings.LastIndexAny(token, ".,'")
	if last < 0 {
		return token, "", true
	}
	point, tail := token[last], token[last+1:]
	switch before := token[:last]; {
	case point == '\'' || strings.IndexByte(before, point) >= 0: // all of them group
		return group(token)
	case len(tail) == 3 && !strings.ContainsAny(before, ".,'") && before != "0":
		return group(token)
	case len(tail) <= 3 && (len(tail) < 3 || before == "0" || strings.ContainsAny(before, ".,'")):
		integer, _, ok = group(before)
		return integer, tail, ok
	}
	return "", "", false
}

// group joins thousands, which have three digits each.
func group(token string) (integer, fraction string, ok bool) {
	fields := strings.FieldsFunc(token, func(r rune) bool { return r < '0' || r > '9' })
	for i, field := range fields {
		if i > 0 && len(field) != 3 || len(fields) > 1 && len(fields[0]) > 3 {
			return "", "", false
		}
	}
	return strings.Join(fields, ""), "", true
}

// amount looks at what stands around a number: a currency, a sign, or
// something that says that it is no money.
func (n digits) amount(text string, used int) (amount, bool) {
	a := amount{value: n.value, decimals: n.decimals, start: n.start, end: n.end}
	before := a.takeBefore(text[:n.start], used)
	after, negative := a.takeAfter(text[n.end:])
	if n.thousands && Exponent(a.currency) == 3 { // 1.250 dinars are no thousand
		a.value, a.decimals = a.value/thousand, true
	}
	if isGlued(before, after, n.decimals) || unitAfter.MatchString(text[n.end:]) {
		return amount{}, false
	}
	if sign := strings.TrimRight(before, " "); strings.HasSuffix(sign, "-") && isSign(before, a.currency != "") {
		a.value = -a.value
		a.start = strings.LastIndexByte(text[:a.start], '-')
	} else if negative {
		a.value = -a.value
	}
	a.inBrackets = strings.HasSuffix(before, "(") && strings.HasPrefix(strings.TrimLeft(after, " "), ")")
	return a, true
}

// takeBefore takes a currency before the number and gives the text before it.
func (a *amount) takeBefore(before string, used int) string {
	sign := ""
	bare := strings.TrimRight(before, " \t")
	if s, ok := strings.CutSuffix(bare, "-"); ok { // "EUR -12"
		if code, _ := currencyBefore(s); code != "" {
			bare, sign = s, "-"
		}
	}
	code, rest := currencyBefore(bare)
	if code == "" || len(rest) < used {
		return before
	}
	a.currency, a.start = code, len(rest)
	if sign != "" {
		a.value = -a.value
	}
	return rest
}

// takeAfter takes a minus and a currency behind the number.
func (a *amount) takeAfter(after string) (rest string, negative bool) {
	if s, ok := strings.CutPrefix(after, "-"); ok && !startsWithDigit(s) && !startsWithLetter(s) {
		negative, after = true, s
		a.end++
	}
	if a.currency != "" {
		return after, negative
	}
	if code, n := currencyAfter(after); n > 0 {
		a.currency = code
		a.end += n
		after = after[n:]
	}
	return after, negative
}

// isSign tells a minus from a dash between two words.
func isSign(before string, hasCurrency bool) bool {
	i := strings.LastIndexByte(before, '-')
	behind := before[i+1:]
	ahead := before[:i]
	if behind != "" && (!hasCurrency || strings.TrimSpace(behind) != "" || strings.TrimSpace(ahead) != "") {
		return false
	}
	return ahead == "" || strings.HasSuffix(ahead, " ") || strings.HasSuffix(ahead, "\t") || strings.HasSuffix(ahead, "(") || strings.HasSuffix(ahead, ":")
}

// isGlued: the number is a part of something else, such as A12, 12:30 or 3/4.
func isGlued(before, after string, decimals bool) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, size := utf8.DecodeRuneInString(after)
	switch {
	case before != "" && (unicode.IsLetter(last) || strings.ContainsRune("/#@_.,&\\", last)):
		return true
	case last == ':' && endsWithDigit(strings.TrimSuffix(before, ":")):
		return true
	case last == '-' && gluedDash(strings.TrimSuffix(before, "-")):
		return true
	case after == "":
		return false
	case unicode.IsLetter(first):
		return !decimals || !unicode.IsUpper(first) || startsWithLetter(after[size:])
	case first == '-' || first == ':' || first == '/' || first == '.' || first == ',':
		return startsWithDigit(after[size:]) || first == '/' || first == '-' && startsWithLetter(after[size:])
	}
	return first == '_' || first == '@' || first == '#'
}

func gluedDash(before string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return before != "" && (unicode.IsLetter(last) || unicode.IsDigit(last))
}

func isLetter(r rune) bool { return unicode.IsLetter(r) }

func startsWithDigit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

func endsWithDigit(s string) bool { return s != "" && startsWithDigit(s[len(s)-1:]) }

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}
