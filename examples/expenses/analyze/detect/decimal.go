package detect

import (
	"strconv"
	"strings"
)

// decimal is an exact amount in thousandths: no currency has smaller parts.
type decimal int64

const (
	maxIntegerDigits = 12
	thousand         = 1000
)

// exponents are the currencies that do not have two decimals (ISO 4217).
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// Exponent is how many decimals a currency has.
func Exponent(currency string) int {
	if n, ok := exponents[currency]; ok {
		return n
	}
	return 2
}

// newDecimal makes an amount of its digits before and after the point.
func newDecimal(integer, fraction string) (decimal, bool) {
	integer = strings.TrimLeft(integer, "0")
	if len(integer) > maxIntegerDigits || len(fraction) > 3 {
		return 0, false
	}
	n, err := strconv.ParseInt(integer+(fraction + "000")[:3], 10, 64)
	return decimal(n), err == nil
}

// format writes the amount with a currency's decimals, or with more where it
// has more, so that nothing is lost.
func (d decimal) format(currency string) string {
	sign, n := "", int64(d)
	if n < 0 {
		sign, n = "-", -n
	}
	integer := sign + strconv.FormatInt(n/thousand, 10)
	fraction := strconv.FormatInt(thousand+n%thousand, 10)[1:]
	for len(fraction) > Exponent(currency) && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if fraction == "" {
		return integer
	}
	return integer + "." + fraction
}
