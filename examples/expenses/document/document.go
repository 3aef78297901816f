// Package document takes in files and finds out what they say.
package document

import (
	"time"

	"github.com/talix-dev/talix"
)

// Status says how far a document has come.
type Status string

// The states of a document.
const (
	StatusCreated  Status = "CREATED"
	StatusAnalyzed Status = "ANALYZED"
	StatusFailed   Status = "FAILED"
)

// Document is what the events of one document add up to.
type Document struct {
	Name, URL string
	Key       string // of the file in the storage
	MediaType string
	Size      int64
	Status    Status
	CreatedAt time.Time
	Analysis  *Analysis
}

// Analysis is what was found in a document.
type Analysis struct {
	IsExpense bool   `json:"isExpense"`
	Vendor    string `json:"vendor,omitempty"`
	Amount    string `json:"amount,omitempty" pattern:"^$|^-?[0-9]{1,12}(\\.[0-9]{1,4})?$" doc:"An exact decimal, such as 11.55."`
	Currency  string `json:"currency,omitempty" pattern:"^$|^[A-Z]{3}$" doc:"ISO 4217."`
	Date      string `json:"date,omitempty" pattern:"^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"ISO 8601."`
	Reason    string `json:"reason,omitempty" doc:"Why it is no expense, failed, or has to wait."`
}

// Created says that a file was stored as a new document.
type Created struct {
	Name      string `json:"name"`
	URL       string `json:"url"`
	Key       string `json:"key"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
}

// Apply makes the document.
func (e Created) Apply(d *Document, m talix.Meta) {
	*d = Document{Name: e.Name, URL: e.URL, Key: e.Key, MediaType: e.MediaType, Size: e.Size, Status: StatusCreated, CreatedAt: m.Time}
}

// Analyzed says that it is known what the document says.
type Analyzed struct {
	Analysis
}

// Apply notes what was found.
func (e Analyzed) Apply(d *Document, _ talix.Meta) {
	d.Status, d.Analysis = StatusAnalyzed, &e.Analysis
}

// AnalysisFailed says that the document can't be analyzed.
type AnalysisFailed struct {
	Reason string `json:"reason"`
}

// Apply notes why.
func (e AnalysisFailed) Apply(d *Document, _ talix.Meta) {
	d.Status, d.Analysis = StatusFailed, &Analysis{Reason: e.Reason}
}

// AnalysisDelayed says that the document can't be analyzed yet, and will be later.
type AnalysisDelayed struct {
	Reason string `json:"reason"`
}

// Apply notes what it waits for.
func (e AnalysisDelayed) Apply(d *Document, _ talix.Meta) {
	d.Analysis = &Analysis{Reason: e.Reason}
}

// Documents are the entities.
var Documents = talix.NewEntity("document",
	talix.Event[Created]("DOCUMENTS:DOCUMENT_CREATED"),
	talix.Event[Analyzed]("DOCUMENTS:DOCUMENT_ANALYZED"),
	talix.Event[AnalysisFailed]("DOCUMENTS:ANALYSIS_FAILED"),
	talix.Event[AnalysisDelayed]("DOCUMENTS:ANALYSIS_DELAYED"),
)

// Service bundles all that there is about documents.
var Service = talix.Service{Name: "document", Components: talix.Components{
	Documents, Create, RecordAnalysis, RecordFailure, RecordDelay,
	UploadFromURL, AnalyzeOnCreation, AnalyzeOnDelay, Rows, Get, List,
	talix.Needs[FileStorage](), talix.Needs[Analyzer](),
}}
