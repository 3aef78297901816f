package expense_test

import (
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/expenses/document"
	"github.com/talix-dev/talix/examples/expenses/expense"
	"github.com/talix-dev/talix/talixtest"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	talixtest.Check(t, expense.Service)
	talixtest.Compatible(t, "testdata/events.json", expense.Service)
}

func amount(t *testing.T, text, currency string) expense.Amount {
	t.Helper()
	a, err := expense.ParseAmount(text)
	if err != nil {
		t.Fatal(err)
	}
	return a.In(currency)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	in := expense.CreateInput{DocumentID: "d", Vendor: "ACME", Amount: "11.5", Currency: "EUR", Date: "2025-03-14"}
	x := talixtest.When(talixtest.Given(t, expense.Expenses, "x"), expense.Create, in).
		Then(expense.Created{DocumentID: "d", Vendor: "ACME", Amount: amount(t, "11.50", "EUR"), Currency: "EUR", Date: "2025-03-14"})
	talixtest.When(x.After(), expense.Create, in).Rejected(talix.Reject("expense x already exists"))
	in.Amount = "much"
	talixtest.When(talixtest.Given(t, expense.Expenses, "x"), expense.Create, in).Rejected(talix.ErrInvalid)
}

// An expense is made of a document that is one, and of no other.
func TestCreateOnAnalysis(t *testing.T) {
	t.Parallel()
	rt := talixtest.Start(t, document.Documents, document.Rows, expense.Service)
	bill := document.Analysis{IsExpense: true, Vendor: "ACME", Amount: "11.55", Currency: "EUR", Date: "2025-03-14"}
	talixtest.Emit(rt, document.Documents, "d1", document.Created{Name: "bill"}, document.Analyzed{Analysis: bill})
	talixtest.Emit(rt, document.Documents, "d2", document.Created{Name: "letter"}, document.Analyzed{})

	want := expense.CreateInput{DocumentID: "d1", Vendor: "ACME", Amount: "11.55", Currency: "EUR", Date: "2025-03-14"}
	talixtest.Equal(t, []expense.CreateInput{want}, talixtest.Inputs(rt, expense.Create, "d1"))
	talixtest.Equal(t, nil, talixtest.Inputs(rt, expense.Create, "d2"))
	page, err := talixtest.Ask(rt, expense.List, expense.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	talixtest.Equal(t, []expense.Item{{
		ExpenseID: "d1", DocumentID: "d1", DocumentName: "bill", Vendor: "ACME",
		Amount: amount(t, "11.55", "EUR"), Currency: "EUR", Date: "2025-03-14",
	}}, page.Items)
}

// Sums are exact, and apart by currency.
func TestSums(t *testing.T) {
	t.Parallel()
	rt := talixtest.Start(t, document.Documents, document.Rows, expense.Service)
	for id, x := range map[string]struct{ amount, currency, date string }{
		"1": {"0.10", "EUR", "2025-03-14"}, "2": {"0.20", "EUR", "2025-03-15"}, "3": {"5", "JPY", "2025-04-01"},
	} {
		talixtest.Emit(rt, expense.Expenses, id, expense.Created{
			DocumentID: id, Vendor: "ACME", Amount: amount(t, x.amount, x.currency), Currency: x.currency, Date: x.date,
		})
	}
	totals, err := talixtest.Ask(rt, expense.Summary, talix.Paging{})
	if err != nil {
		t.Fatal(err)
	}
	talixtest.Equal(t, []expense.Total{
		{Vendor: "ACME", Currency: "EUR", Sum: amount(t, "0.30", "EUR"), Count: 2},
		{Vendor: "ACME", Currency: "JPY", Sum: amount(t, "5", "JPY"), Count: 1},
	}, totals.Items)
	months, err := talixtest.Ask(rt, expense.Monthly, talix.Paging{})
	if err != nil {
		t.Fatal(err)
	}
	talixtest.Equal(t, []expense.Month{
		{Month: "2025-04", Currency: "JPY", Sum: amount(t, "5", "JPY"), Count: 1},
		{Month: "2025-03", Currency: "EUR", Sum: amount(t, "0.30", "EUR"), Count: 2},
	}, months.Items)
}
