package talix

import "github.com/talix-dev/talix/internal/registry"

// Erase erases the personal data of a subject: of the person, mostly, whose id
// it is. In the types of events, replies, states, results of steps and inputs
// that are kept, personal fields are tagged so:
//
//	type Registered struct {
//		Email string `json:"email" personal:"true"`
//		Plan  string `json:"plan"`
//	}
//
// Their values are stored under a key of the subject's own, which Erase
// destroys: then no copy of what was stored can be read any more, wherever it
// is, and readers see the zero value. The rest of the data stays. Whose they are
// is said by the field of the same struct, or of the nearest one around it, that
// is tagged subject:"true"; else it is the entity's id, or the workflow's.
//
// When Erase returns nil, the key is gone for good; views are made anew after.
// Writing personal data of the subject later fails with an ErrRejected. It is
// safe to repeat.
func Erase(ctx ActionContext, subject string) error {
	eraser, ok := ctx.host.(registry.Eraser)
	if !ok {
		return NotFound("nothing personal is kept here")
	}
	return fault(eraser.Erase(ctx.Context, subject))
}
