package document

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/talix-dev/talix"
)

// FileStorage keeps the files of documents.
type FileStorage interface {
	// PutFromURL downloads a file and stores it. Where the URL is at fault, the
	// error is a talix.Error that says so.
	PutFromURL(ctx context.Context, url string) (File, error)
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// File is a stored file.
type File struct {
	Name, Key, MediaType string
	Size                 int64
}

// Analyzer finds out what a file says.
type Analyzer interface {
	// Analyze reads a file. An error that wraps ErrUnreadable is final, one
	// that wraps ErrLater means that the file can be read when something is
	// there that is missing now.
	Analyze(ctx context.Context, f File, open func(context.Context) (io.ReadCloser, error)) (Analysis, error)
}

// What an Analyzer says of a file that it can't read.
var (
	ErrUnreadable = errors.New("the document cannot be read")
	ErrLater      = errors.New("the document cannot be read yet")
)

// UploadInput says where the file is.
type UploadInput struct {
	URL string `json:"url" format:"uri" minLength:"1" maxLength:"2048" doc:"Address of the file, http or https."`
}

// UploadFromURL takes in the file at a URL.
var UploadFromURL = talix.OnHTTP("POST /documents/upload-from-url",
	func(ctx talix.ActionContext, in UploadInput) (CreateOutput, error) {
		file, err := talix.Get[FileStorage](ctx).PutFromURL(ctx, in.URL)
		if err != nil {
			return CreateOutput{}, err
		}
		return talix.Run(ctx, Create, talix.NewID(ctx), CreateInput{
			Name: file.Name, URL: in.URL, Key: file.Key, MediaType: file.MediaType, Size: file.Size,
		})
	}, talix.Summary("Take in the file at a URL"))

// AnalyzeOnCreation finds out what a new document says.
var AnalyzeOnCreation = talix.OnEvent("analyze-on-creation",
	func(ctx talix.ActionContext, e talix.Recorded[Created]) error {
		file := File{Name: e.Data.Name, Key: e.Data.Key, MediaType: e.Data.MediaType, Size: e.Data.Size}
		said, err := talix.Step(ctx, "analyze", func(step context.Context) (reading, error) { return read(ctx.With(step), file) })
		if err != nil {
			return err // tried again
		}
		if said.Later != "" {
			_, err = talix.Run(ctx, RecordDelay, e.EntityID, Why{said.Later})
			return err
		}
		return record(ctx, e.EntityID, said)
	})

// AnalyzeOnDelay tries a document that can't be analyzed yet, until it can be.
var AnalyzeOnDelay = talix.OnEvent("analyze-on-delay",
	func(ctx talix.ActionContext, e talix.Recorded[AnalysisDelayed]) error {
		d, err := talix.Load(ctx, Documents, e.EntityID)
		if err != nil {
			return err
		}
		file := File{Name: d.State.Name, Key: d.State.Key, MediaType: d.State.MediaType, Size: d.State.Size}
		said, err := talix.Step(ctx, "analyze", func(step context.Context) (reading, error) {
			said, err := read(ctx.With(step), file)
			if err == nil && said.Later != "" {
				err = fmt.Errorf("%w: %s", ErrLater, said.Later)
			}
			return said, err
		})
		if err != nil {
			return err // tried again
		}
		return record(ctx, e.EntityID, said)
	})

// reading is what became of reading a file; as a step's result, it is kept.
type reading struct {
	Found             Analysis
	Later, Unreadable string // why not
}

// read asks the analyzer.
func read(ctx talix.ActionContext, file File) (reading, error) {
	files := talix.Get[FileStorage](ctx)
	found, err := talix.Get[Analyzer](ctx).Analyze(ctx, file, func(ctx context.Context) (io.ReadCloser, error) {
		return files.Open(ctx, file.Key)
	})
	switch {
	case errors.Is(err, ErrUnreadable):
		return reading{Unreadable: err.Error()}, nil
	case errors.Is(err, ErrLater):
		return reading{Later: err.Error()}, nil
	}
	return reading{Found: found}, err
}

// record notes what was found; findings that are not usable are a failure.
func record(ctx talix.ActionContext, id string, said reading) error {
	if said.Unreadable != "" {
		_, err := talix.Run(ctx, RecordFailure, id, Why{said.Unreadable})
		return err
	}
	_, err := talix.Run(ctx, RecordAnalysis, id, said.Found)
	if errors.Is(err, talix.ErrInvalid) {
		_, err = talix.Run(ctx, RecordFailure, id, Why{"the analysis is not usable: " + err.Error()})
	}
	return err
}
