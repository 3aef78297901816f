package document

import "github.com/talix-dev/talix"

// CreateInput describes a stored file.
type CreateInput struct {
	Name      string `json:"name" minLength:"1" maxLength:"255"`
	URL       string `json:"url" format:"uri"`
	Key       string `json:"key" minLength:"1"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size" minimum:"0"`
}

// CreateOutput names the new document.
type CreateOutput struct {
	DocumentID string `json:"documentId"`
}

// Create makes a document of a stored file.
var Create = talix.NewCommand(Documents, "create",
	func(c talix.CommandContext[Document], in CreateInput) (CreateOutput, error) {
		if c.Exists() {
			return CreateOutput{}, talix.Reject("document %s already exists", c.ID())
		}
		c.Emit(Created(in))
		return CreateOutput{DocumentID: c.ID()}, nil
	})

// RecordAnalysis notes what was found in a document.
var RecordAnalysis = talix.NewCommand(Documents, "record-analysis",
	func(c talix.CommandContext[Document], in Analysis) (struct{}, error) {
		if err := unfinished(c); err != nil {
			return struct{}{}, err
		}
		c.Emit(Analyzed{in})
		return struct{}{}, nil
	})

// Why says why something did not happen.
type Why struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000"`
}

// RecordFailure notes that a document can't be analyzed.
var RecordFailure = talix.NewCommand(Documents, "record-failure",
	func(c talix.CommandContext[Document], in Why) (struct{}, error) {
		if err := unfinished(c); err != nil {
			return struct{}{}, err
		}
		c.Emit(AnalysisFailed(in))
		return struct{}{}, nil
	})

// RecordDelay notes what the analysis of a document waits for.
var RecordDelay = talix.NewCommand(Documents, "record-delay",
	func(c talix.CommandContext[Document], in Why) (struct{}, error) {
		if err := unfinished(c); err != nil {
			return struct{}{}, err
		}
		c.Emit(AnalysisDelayed(in))
		return struct{}{}, nil
	})

func unfinished(c talix.CommandContext[Document]) error {
	if !c.Exists() {
		return talix.NotFound("document %s does not exist", c.ID())
	}
	if s := c.State().Status; s != StatusCreated {
		return talix.Reject("document %s is %s already", c.ID(), s)
	}
	return nil
}
