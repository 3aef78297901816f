package expense

import (
	"fmt"
	"strconv"
	"strings"
)

// Amount is an exact decimal: Minor divided by ten to the power of Decimals.
type Amount struct {
	Minor    int64
	Decimals int
}

// maxDecimals is the most that any currency has.
const maxDecimals = 4

// ParseAmount reads a decimal such as 11.55 or -3.
func ParseAmount(s string) (Amount, error) {
	digits, fraction, _ := strings.Cut(s, ".")
	minor, err := strconv.ParseInt(digits+fraction, 10, 64)
	if err != nil || len(fraction) > maxDecimals || digits == "" || strings.ContainsAny(s, "+") {
		return Amount{}, fmt.Errorf("%q is no amount such as 11.55", s)
	}
	return Amount{minor, len(fraction)}, nil
}

// In gives the amount at least as many decimals as a currency has.
func (a Amount) In(currency string) Amount {
	for want := decimalsOf(currency); a.Decimals < want; a.Decimals++ {
		a.Minor *= 10
	}
	return a
}

// Units are what SQL can add up, whatever the decimals: ten-thousandths.
func (a Amount) Units() int64 {
	for ; a.Decimals < maxDecimals; a.Decimals++ {
		a.Minor *= 10
	}
	return a.Minor
}

// decimalsOf is how many decimals ISO 4217 gives a currency.
func decimalsOf(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

func (a Amount) String() string {
	sign, digits := "", strconv.FormatInt(a.Minor, 10)
	if a.Minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if a.Decimals == 0 {
		return sign + digits
	}
	digits = strings.Repeat("0", max(0, a.Decimals+1-len(digits))) + digits
	point := len(digits) - a.Decimals
	return sign + digits[:point] + "." + digits[point:]
}

// MarshalText writes a decimal.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads a decimal, or a sum of units that is shown with some
// decimals: 115500e-4.2 is 11.55.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	units, decimals, ok := strings.Cut(string(text), "e-4.")
	if !ok {
		*a, err = ParseAmount(units)
		return err
	}
	minor, err := strconv.ParseInt(units, 10, 64)
	want, err2 := strconv.Atoi(decimals)
	if err != nil || err2 != nil || want < 0 || want > maxDecimals {
		return fmt.Errorf("%q is no sum such as 115500e-4.2", text)
	}
	*a = Amount{minor, maxDecimals}
	for ; a.Decimals > want && a.Minor%10 == 0; a.Decimals-- {
		a.Minor /= 10
	}
	return nil
}
