package guide

import (
	"context"
	"time"

	"github.com/talix-dev/talix/runtime"
)

func pour(ctx context.Context, rt *runtime.Runtime, march, april time.Time) error {
	err := rt.Pours().Start(ctx, runtime.Pour{
		Name: "lost-mails-of-march", Actions: []string{"mail"}, From: march, Until: april,
	})
	return err
}
