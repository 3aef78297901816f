package registry

import "context"

// Eraser is a Host that can erase personal data.
type Eraser interface {
	// Erase erases the personal data of a subject.
	Erase(ctx context.Context, subject string) error
}
