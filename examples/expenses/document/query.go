package document

import (
	"time"

	"github.com/talix-dev/talix"
)

// Row is a document as people see it.
type Row struct {
	ID        string    `json:"documentId" db:"id,key"`
	Name      string    `json:"name" db:"name,fulltext"`
	URL       string    `json:"url"`
	Status    Status    `json:"status"`
	CreatedAt time.Time `json:"createdAt" db:"created_at,index"`
	Analysis  *Analysis `json:"analysis,omitempty"`
}

// Rows is the view of all documents.
var Rows = talix.NewTable("documents",
	talix.When(func(r *Row, e talix.Recorded[Created]) {
		r.Name, r.URL, r.Status, r.CreatedAt = e.Data.Name, e.Data.URL, StatusCreated, e.Time
	}),
	talix.When(func(r *Row, e talix.Recorded[Analyzed]) {
		r.Status, r.Analysis = StatusAnalyzed, &e.Data.Analysis
	}),
	talix.When(func(r *Row, e talix.Recorded[AnalysisFailed]) {
		r.Status, r.Analysis = StatusFailed, &Analysis{Reason: e.Data.Reason}
	}),
	talix.When(func(r *Row, e talix.Recorded[AnalysisDelayed]) {
		r.Analysis = &Analysis{Reason: e.Data.Reason}
	}),
)

// ByID names one document.
type ByID struct {
	ID string `path:"id" minLength:"1" maxLength:"128" doc:"The document."`
}

// Get reads one document.
var Get = talix.NewQuery("get-document",
	func(ctx talix.QueryContext, in ByID) (Row, error) {
		d, err := talix.Load(ctx, Documents, in.ID)
		if err != nil {
			return Row{}, err
		}
		s := d.State
		return Row{in.ID, s.Name, s.URL, s.Status, s.CreatedAt, s.Analysis}, nil
	}, talix.Expose("GET /documents/{id}"), talix.Describe("Read a document", ""))

// List reads all documents, the newest first.
var List = talix.SQL[talix.Paging, Row]("list-documents",
	`SELECT id, name, url, status, created_at, analysis FROM documents`,
	talix.PageBy("created_at desc", "id desc"), talix.Live("id"), talix.Expose("GET /documents"),
	talix.Describe("List or watch documents", ""))
