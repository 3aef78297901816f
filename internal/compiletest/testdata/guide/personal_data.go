package guide

import (
	"context"

	"github.com/talix-dev/talix/runtime"
)

type CaseOpened struct {
	Client string `json:"client" subject:"true"`
	Text   string `json:"text" personal:"true"`
}

func erase(ctx context.Context, rt *runtime.Runtime) error {
	_, err := rt.Personal().Erase(ctx, "c-4711") // or talix.Erase in an action
	return err
}
