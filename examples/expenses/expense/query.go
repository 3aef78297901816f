package expense

import "github.com/talix-dev/talix"

// Row is an expense in the view.
type Row struct {
	ID         string `db:"id,key"`
	DocumentID string `db:"document_id,index"`
	Vendor     string `db:"vendor,index,fulltext"`
	Amount     Amount
	Units      int64 // what SQL can add up
	Decimals   int
	Currency   string
	Date       string `db:"date,index"`
}

// Rows is the view of all expenses.
var Rows = talix.NewTable("expenses",
	talix.When(func(r *Row, e talix.Recorded[Created]) {
		r.DocumentID, r.Vendor, r.Currency, r.Date = e.Data.DocumentID, e.Data.Vendor, e.Data.Currency, e.Data.Date
		r.Amount, r.Units, r.Decimals = e.Data.Amount, e.Data.Amount.Units(), e.Data.Amount.Decimals
	}),
)

// Filter says which expenses are wanted; what is left out wants all.
type Filter struct {
	Q        *string `query:"q" maxLength:"200" doc:"Only with these words in the vendor or in the document's name; the last one may be a beginning."`
	Vendor   *string `query:"vendor" doc:"Only of this vendor, in any case of letters."`
	From     *string `query:"from" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"Only of this day or later, as in 2025-03-14."`
	To       *string `query:"to" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"Only of this day or earlier."`
	Currency *string `query:"currency" pattern:"^[A-Za-z]{3}$" doc:"Only in this currency, by ISO 4217."`
	talix.Paging
}

// Item is an expense with the document that it comes from.
type Item struct {
	ExpenseID    string `json:"expenseId"`
	DocumentID   string `json:"documentId"`
	DocumentName string `json:"documentName"`
	DocumentURL  string `json:"documentUrl"`
	Vendor       string `json:"vendor"`
	Amount       Amount `json:"amount"`
	Currency     string `json:"currency"`
	Date         string `json:"date"`
}

// List reads expenses, the newest first.
var List = talix.SQL[Filter, Item]("list-expenses", `
	SELECT x.id AS expense_id, x.document_id, coalesce(d.name, '') AS document_name, coalesce(d.url, '') AS document_url,
		x.vendor, x.amount, x.currency, x.date
	FROM expenses x LEFT JOIN documents d ON d.id = x.document_id
	WHERE (:q IS NULL OR x.id IN search(expenses, :q) OR x.document_id IN search(documents, :q))
		AND (:vendor IS NULL OR lower(x.vendor) = lower(:vendor))
		AND (:from IS NULL OR x.date >= :from)
		AND (:to IS NULL OR x.date <= :to)
		AND (:currency IS NULL OR x.currency = upper(:currency))`,
	talix.PageBy("date desc", "expense_id desc"), talix.Live("expense_id"), talix.Expose("GET /expenses"),
	talix.Describe("List, search or watch expenses", "The newest first. As server-sent events, the answer goes on with each change."))

// Total is what was spent with one vendor in one currency.
type Total struct {
	Vendor   string `json:"vendor"`
	Currency string `json:"currency"`
	Sum      Amount `json:"sum"`
	Count    int64  `json:"count"`
}

// Summary adds up expenses by vendor and currency.
var Summary = talix.SQL[talix.Paging, Total]("expenses-summary", `
	SELECT vendor, currency, count(*) AS count,
		cast(sum(units) AS text) || 'e-4.' || cast(max(decimals) AS text) AS sum
	FROM expenses GROUP BY vendor, currency`,
	talix.PageBy("vendor", "currency"), talix.Live(), talix.Expose("GET /expenses/summary"),
	talix.Describe("Add up expenses by vendor", ""))

// Month is what was spent in one month in one currency.
type Month struct {
	Month    string `json:"month" doc:"As in 2025-03; empty for expenses without a date."`
	Currency string `json:"currency"`
	Sum      Amount `json:"sum"`
	Count    int64  `json:"count"`
}

// Monthly adds up expenses by month and currency, the newest first.
var Monthly = talix.SQL[talix.Paging, Month]("expenses-monthly", `
	SELECT substr(date, 1, 7) AS month, currency, count(*) AS count,
		cast(sum(units) AS text) || 'e-4.' || cast(max(decimals) AS text) AS sum
	FROM expenses GROUP BY substr(date, 1, 7), currency`,
	talix.PageBy("month desc", "currency"), talix.Live(), talix.Expose("GET /expenses/monthly"),
	talix.Describe("Add up expenses by month", ""))
