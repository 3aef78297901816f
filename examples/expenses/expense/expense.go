// Package expense keeps the expenses that documents tell of.
package expense

import (
	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/expenses/document"
)

// Expense is what the events of one expense add up to.
type Expense struct {
	DocumentID string
	Vendor     string
	Amount     Amount
	Currency   string
	Date       string
}

// Created says that money was spent, as a document says.
type Created struct {
	DocumentID string `json:"documentId"`
	Vendor     string `json:"vendor"`
	Amount     Amount `json:"amount"`
	Currency   string `json:"currency"`
	Date       string `json:"date"`
}

// Apply makes the expense.
func (e Created) Apply(x *Expense, _ talix.Meta) { *x = Expense(e) }

// Expenses are the entities.
var Expenses = talix.NewEntity("expense",
	talix.Event[Created]("EXPENSES:EXPENSE_CREATED"),
)

// CreateInput describes an expense.
type CreateInput struct {
	DocumentID string `json:"documentId" minLength:"1"`
	Vendor     string `json:"vendor"`
	Amount     string `json:"amount" pattern:"^-?[0-9]{1,12}(\\.[0-9]{1,4})?$" doc:"An exact decimal, such as 11.55."`
	Currency   string `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217."`
	Date       string `json:"date" pattern:"^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
}

// Create makes an expense of what was found in a document.
var Create = talix.NewCommand(Expenses, "create",
	func(c talix.CommandContext[Expense], in CreateInput) (struct{}, error) {
		if c.Exists() {
			return struct{}{}, talix.Reject("expense %s already exists", c.ID())
		}
		amount, err := ParseAmount(in.Amount)
		if err != nil {
			return struct{}{}, talix.Invalid("body.amount", "%v", err)
		}
		c.Emit(Created{in.DocumentID, in.Vendor, amount.In(in.Currency), in.Currency, in.Date})
		return struct{}{}, nil
	})

// CreateOnAnalysis makes an expense of each document that turns out to be one.
var CreateOnAnalysis = talix.OnEvent("create-expense-on-analysis",
	func(ctx talix.ActionContext, e talix.Recorded[document.Analyzed]) error {
		found := e.Data.Analysis
		if !found.IsExpense {
			return nil
		}
		_, err := talix.Run(ctx, Create, e.EntityID, CreateInput{
			DocumentID: e.EntityID, Vendor: found.Vendor, Amount: found.Amount, Currency: found.Currency, Date: found.Date,
		})
		return err
	})

// Service bundles all that there is about expenses.
var Service = talix.Service{Name: "expense", Components: talix.Components{
	Expenses, Create, CreateOnAnalysis, Rows, List, Summary, Monthly,
}}
