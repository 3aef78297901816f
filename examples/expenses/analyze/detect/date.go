package detect

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const maxDates = 20 // of one line

// date is a date on a line. Of one like 03/04/2025 either number may be the
// month; the document decides.
type date struct {
	year, first, second int // first and second are month and day unless swap
	ambiguous           bool
	start, end          int
}

var (
	yearFirst  = regexp.MustCompile(`\b(\d{4})([-/.])(\d{1,2})([-/.])(\d{1,2})\b`)
	yearLast   = regexp.MustCompile(`\b(\d{1,2})([-/.]) ?(\d{1,2})([-/.]) ?(\d{4}|\d{2})\b`)
	dayMonth   = regexp.MustCompile(`\b(\d{1,2})(?:st|nd|rd|th|er|re|\.|º|°|ª)?[ -]*(?:de |of |d')?[ -]*(\pL{3,12})[.,]?[ -]*(?:de |del )?'?(\d{4}|\d{2})\b`)
	monthDay   = regexp.MustCompile(`(\pL{3,12})\.? ?(\d{1,2})(?:st|nd|rd|th)?,? +'?(\d{4})\b`)
	ideographs = regexp.MustCompile(`(\d{4}) ?年 ?(\d{1,2}) ?月 ?(\d{1,2}) ?日`)
)

// findDates reads the dates of a line, in their order.
func findDates(text string) []date {
	var found []date
	for _, read := range []func(string) []date{readYearFirst, readYearLast, readDayMonth, readMonthDay, readIdeographs} {
		for _, d := range read(text) {
			if !overlaps(found, d) && len(found) < maxDates {
				found = append(found, d)
			}
		}
	}
	return found
}

func overlaps(found []date, d date) bool {
	for _, f := range found {
		if d.start < f.end && f.start < d.end {
			return true
		}
	}
	return false
}

// match gives the groups of each match as text, and where it stands.
func match(re *regexp.Regexp, text string, use func(groups []string, start, end int) (date, bool)) []date {
	var out []date
	for _, at := range re.FindAllStringSubmatchIndex(text, maxDates) {
		var groups []string
		for i := 2; i < len(at); i += 2 {
			groups = append(groups, text[at[i]:at[i+1]])
		}
		if d, ok := use(groups, at[0], at[1]); ok {
			d.start, d.end = at[0], at[1]
			out = append(out, d)
		}
	}
	return out
}

func readYearFirst(text string) []date {
	return match(yearFirst, text, func(g []string, _, end int) (date, bool) {
		d := date{year: number(g[0]), first: number(g[2]), second: number(g[4])}
		return d, g[1] == g[3] && d.valid() && !runsOn(text, end, g[1])
	})
}

func readYearLast(text string) []date {
	return match(yearLast, text, func(g []string, start, end int) (date, bool) {
		a, b := number(g[0]), number(g[2])
		day := date{year: fullYear(g[4]), first: b, second: a}
		if g[1] != g[3] || runsOn(text, end, g[1]) || runsIn(text, start, g[1]) {
			return day, false
		}
		month := date{year: day.year, first: a, second: b}
		switch {
		case g[1] == "." || !month.valid():
			return day, day.valid()
		case !day.valid():
			return month, true
		}
		day.ambiguous = a != b
		return day, true
	})
}

// runsOn: a longer chain of numbers, such as a version or a phone number.
func runsOn(text string, end int, separator string) bool {
	rest, ok := strings.CutPrefix(text[end:], separator)
	return ok && startsWithDigit(rest)
}

func runsIn(text string, start int, separator string) bool {
	rest, ok := strings.CutSuffix(text[:start], separator)
	return ok && endsWithDigit(rest)
}

func readDayMonth(text string) []date {
	return match(dayMonth, text, func(g []string, _, _ int) (date, bool) {
		d := date{year: fullYear(g[2]), first: month(g[1]), second: number(g[0])}
		return d, d.valid()
	})
}

func readMonthDay(text string) []date {
	return match(monthDay, text, func(g []string, _, _ int) (date, bool) {
		d := date{year: number(g[2]), first: month(g[0]), second: number(g[1])}
		return d, d.valid()
	})
}

func readIdeographs(text string) []date {
	return match(ideographs, text, func(g []string, _, _ int) (date, bool) {
		d := date{year: number(g[0]), first: number(g[1]), second: number(g[2])}
		return d, d.valid()
	})
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func fullYear(s string) int {
	if len(s) == 2 {
		return 2000 + number(s)
	}
	return number(s)
}

// valid: a day that the calendar has, in years that documents are from.
func (d date) valid() bool {
	t := time.Date(d.year, time.Month(d.first), d.second, 0, 0, 0, 0, time.UTC)
	return 1990 <= d.year && d.year <= 2099 && int(t.Month()) == d.first && t.Day() == d.second && d.first >= 1
}

// format writes the date as ISO 8601.
func (d date) format(monthFirst bool) string {
	if d.ambiguous && monthFirst {
		d.first, d.second = d.second, d.first
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.first, d.second)
}

// months are the names of months and what they are shortened to, folded, in
// English, German, French, Spanish, Italian, Dutch and Portuguese.
var months = []phrases{
	words("january,jan,januar,janner,janvier,janv,enero,ene,gennaio,gen,januari,janeiro"),
	words("february,feb,februar,feber,fevrier,fevr,fev,febrero,febbraio,februari,fevereiro"),
	words("march,mar,marz,mrz,maerz,mars,marzo,maart,mrt,marco"),
	words("april,apr,avril,avr,abril,abr,aprile"),
	words("may,mai,mayo,maggio,mag,mei,maio"),
	words("june,jun,juni,juin,junio,giugno,giu,junho"),
	words("july,jul,juli,juillet,juil,julio,luglio,lug,julho"),
	words("august,aug,aout,agosto,ago,augustus"),
	words("september,sept,sep,septembre,septiembre,setiembre,settembre,set,setembro"),
	words("october,oct,oktober,okt,octobre,octubre,ottobre,ott,outubro,out"),
	words("november,nov,novembre,noviembre,novembro"),
	words("december,dec,dezember,dez,decembre,diciembre,dic,dicembre,dezembro"),
}

// month is the number of a month's name, 0 if it is none.
func month(name string) int {
	for i, names := range months {
		if names.in(fold(name)) {
			return i + 1
		}
	}
	return 0
}
