package console_test

import (
	"testing"

	"github.com/talix-dev/talix/console/api"
)

// What can be run is found once: it needs the whole OpenAPI document.
func TestRunnablesAreFoundOnce(t *testing.T) {
	t.Parallel()
	a := api.New(api.Config{Runtime: newSite(t).rt})
	first, second := a.Runnables(), a.Runnables()
	if len(first) == 0 || len(first) != len(second) || &first[0] != &second[0] {
		t.Errorf("%d are found, and then %d others", len(first), len(second))
	}
}
