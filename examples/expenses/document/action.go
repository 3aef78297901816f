package document

import (
	"context"
	"errors"
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
		files := talix.Get[FileStorage](ctx)
		file := File{Name: e.Data.Name, Key: e.Data.Key, MediaType: e.Data.MediaType, Size: e.Data.Size}
		found, err := talix.Get[Analyzer](ctx).Analyze(ctx, file, func(ctx context.Context) (io.ReadCloser, error) {
			return files.Open(ctx, file.Key)
		})
		switch {
		case err == nil:
			return record(ctx, e.EntityID, found)
		case errors.Is(err, ErrUnreadable):
			_, err = talix.Run(ctx, RecordFailure, e.EntityID, Why{err.Error()})
		case errors.Is(err, ErrLater):
			if _, failed := talix.Run(ctx, RecordDelay, e.EntityID, Why{err.Error()}); failed != nil {
				return failed
			}
		}
		return err // tried again
	})

// record notes what was found; findings that are not usable are a failure.
func record(ctx talix.ActionContext, id string, found Analysis) error {
	_, err := talix.Run(ctx, RecordAnalysis, id, found)
	if errors.Is(err, talix.ErrInvalid) {
		_, err = talix.Run(ctx, RecordFailure, id, Why{"the analysis is not usable: " + err.Error()})
	}
	return err
}
