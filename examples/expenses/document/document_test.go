package document_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/expenses/document"
	"github.com/talix-dev/talix/talixtest"
)

var (
	created = document.Created{Name: "bill.pdf", URL: "https://example.org/bill.pdf", Key: "k", MediaType: "application/pdf", Size: 3}
	found   = document.Analysis{IsExpense: true, Vendor: "ACME", Amount: "11.55", Currency: "EUR", Date: "2025-03-14"}
)

func TestEvents(t *testing.T) {
	t.Parallel()
	talixtest.Check(t, document.Service)
	talixtest.Compatible(t, "testdata/events.json", document.Service)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	nothing := talixtest.Given(t, document.Documents, "d")
	talixtest.When(nothing, document.Create, document.CreateInput(created)).
		Then(created).
		Reply(document.CreateOutput{DocumentID: "d"}).
		State(document.Document{
			Name: created.Name, URL: created.URL, Key: "k", MediaType: created.MediaType, Size: 3,
			Status: document.StatusCreated, CreatedAt: talixtest.Begin(),
		})
	talixtest.When(nothing.Given(created), document.Create, document.CreateInput(created)).
		Rejected(talix.Reject("document d already exists"))
	talixtest.When(nothing, document.Create, document.CreateInput{}).
		Rejected(talix.ErrInvalid)
}

func TestRecords(t *testing.T) {
	t.Parallel()
	d := talixtest.Given(t, document.Documents, "d", created)
	talixtest.When(d, document.RecordAnalysis, found).Then(document.Analyzed{Analysis: found})
	talixtest.When(d, document.RecordFailure, document.Why{Reason: "torn"}).Then(document.AnalysisFailed{Reason: "torn"})
	delayed := talixtest.When(d, document.RecordDelay, document.Why{Reason: "no model"}).Then(document.AnalysisDelayed{Reason: "no model"})
	talixtest.When(delayed.After(), document.RecordAnalysis, found).Then(document.Analyzed{Analysis: found})

	talixtest.When(d.Given(document.Analyzed{Analysis: found}), document.RecordFailure, document.Why{Reason: "torn"}).
		Rejected(talix.Reject("document d is ANALYZED already"))
	talixtest.When(talixtest.Given(t, document.Documents, "d"), document.RecordAnalysis, found).
		Rejected(talix.ErrNotFound)
	talixtest.When(d, document.RecordAnalysis, document.Analysis{Currency: "euro"}).
		Rejected(talix.ErrInvalid)
}

// files is a storage with one file.
type files struct{ err error }

func (f files) PutFromURL(context.Context, string) (document.File, error) {
	return document.File{Name: created.Name, Key: created.Key, MediaType: created.MediaType, Size: created.Size}, f.err
}

func (files) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("pdf")), nil
}

// analyzer answers one after another.
type analyzer struct{ answers []any }

func (a *analyzer) Analyze(context.Context, document.File, func(context.Context) (io.ReadCloser, error)) (document.Analysis, error) {
	answer := a.answers[0]
	a.answers = a.answers[1:]
	if err, ok := answer.(error); ok {
		return document.Analysis{}, err
	}
	return answer.(document.Analysis), nil
}

func TestAnalysis(t *testing.T) {
	t.Parallel()
	unreadable := fmt.Errorf("%w: torn", document.ErrUnreadable)
	later := fmt.Errorf("%w: no model", document.ErrLater)
	analyzed, failed := document.Analyzed{Analysis: found}, document.AnalysisFailed{Reason: unreadable.Error()}
	for name, c := range map[string]struct {
		answers []any
		want    []talix.EventFor[document.Document]
		retried bool // something failed on the way
	}{
		"found":      {[]any{found}, events(analyzed), false},
		"unreadable": {[]any{unreadable}, events(failed), false},
		"fails once": {[]any{errors.New("busy"), found}, events(analyzed), true},
		"later":      {[]any{later, later, found}, events(document.AnalysisDelayed{Reason: later.Error()}, analyzed), true},
		"nonsense": {
			[]any{document.Analysis{Date: "today"}}, events(document.AnalysisFailed{
				Reason: "the analysis is not usable: invalid: the input of document.record-analysis is not valid; date: expected string to match pattern ^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
			}), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := talixtest.Start(t, document.Service,
				talix.Provide[document.FileStorage](files{}), talix.Provide[document.Analyzer](&analyzer{c.answers}))
			var out document.CreateOutput
			rt.Request("POST /documents/upload-from-url", document.UploadInput{URL: created.URL}).Is(200).Into(&out)
			if failures := rt.Failures(); len(failures) > 0 != c.retried {
				t.Error(failures)
			}
			rt.Advance(time.Minute)
			talixtest.Equal(t, append(events(created), c.want...), talixtest.Events(rt, document.Documents, out.DocumentID))
		})
	}
}

func events(e ...talix.EventFor[document.Document]) []talix.EventFor[document.Document] { return e }

func TestUploadThatFails(t *testing.T) {
	t.Parallel()
	rt := talixtest.Start(t, document.Service,
		talix.Provide[document.FileStorage](files{talix.Invalid("body.url", "answers 404")}), talix.Provide[document.Analyzer](&analyzer{}))
	rt.Request("POST /documents/upload-from-url", document.UploadInput{URL: created.URL}).Is(422)
	rt.Request("GET /documents", nil).Is(200).JSON(talix.Page[document.Row]{Items: []document.Row{}})
}

func TestRows(t *testing.T) {
	t.Parallel()
	rt := talixtest.Start(t, document.Documents, document.Rows, document.List)
	talixtest.Emit(rt, document.Documents, "d1", created, document.Analyzed{Analysis: found})
	rt.Advance(time.Hour)
	talixtest.Emit(rt, document.Documents, "d2", created, document.AnalysisFailed{Reason: "torn"})
	page, err := talixtest.Ask(rt, document.List, talix.Paging{})
	if err != nil {
		t.Fatal(err)
	}
	row := document.Row{ID: "d1", Name: created.Name, URL: created.URL, Status: document.StatusAnalyzed, CreatedAt: talixtest.Begin(), Analysis: &found}
	later := row
	later.ID, later.Status, later.CreatedAt = "d2", document.StatusFailed, talixtest.Begin().Add(time.Hour)
	later.Analysis = &document.Analysis{Reason: "torn"}
	talixtest.Equal(t, []document.Row{later, row}, page.Items)
}
