package console

import (
	"maps"
	"slices"
	"strings"
)

// Routes are the methods and paths that c answers, with those of the API and of
// each button.
func Routes(c *Console) (all []string) {
	for _, path := range slices.Concat(c.paths, c.api.Routes()) {
		if !strings.HasSuffix(path, "/{what}") {
			all = append(all, path)
			continue
		}
		for _, what := range slices.Sorted(maps.Keys(deeds())) {
			all = append(all, strings.Replace(path, "{what}", what, 1))
		}
	}
	return all
}
