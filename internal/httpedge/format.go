package httpedge

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

// The forms of answers.
const (
	formJSON   = "application/json"
	formLines  = "application/x-ndjson"
	formCSV    = "text/csv"
	formEvents = "text/event-stream"
)

// formsOf are the forms in which a route answers, the usual one first.
func formsOf(rt *route) []string {
	forms := []string{formJSON}
	if q := rt.query; q != nil && q.Streams() {
		forms = append(forms, formLines, formCSV)
		if q.SQL.Live {
			forms = append(forms, formEvents)
		}
	}
	return forms
}

// form is the one that the caller likes best of those that the route has.
func (x *exchange) form() (string, error) {
	accept := x.r.Header["Accept"]
	if len(accept) == 0 || x.route.query == nil || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == formJSON) {
		return formJSON, nil
	}
	form := liked(accept, x.route.forms)
	if form == "" {
		f := registry.Faultf(registry.Invalid, "the answer has none of the forms that Accept allows: accept %s", strings.Join(x.route.forms, ", "))
		f.Status = http.StatusNotAcceptable
		return "", f
	}
	return form, nil
}

// liked is the form with the highest quality; of several the one that Accept
// names most exactly; of those the first.
func liked(accept, forms []string) (best string) {
	ranges := rangesOf(accept)
	var most preference
	for _, form := range forms {
		if p := ranges.preference(form); p.quality > 0 && p.above(most) {
			best, most = form, p
		}
	}
	return best
}

// preference is how well a form fits.
type preference struct {
	quality float64
	exact   int // 0 for */*, 1 for type/*, 2 for type/subtype
}

func (p preference) above(q preference) bool {
	return p.quality > q.quality || p.quality == q.quality && p.exact > q.exact
}

// ranges are the media ranges of Accept headers.
type ranges []mediaRange

type mediaRange struct {
	media   string
	quality float64
}

func rangesOf(accept []string) (all ranges) {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		r := mediaRange{media, 1}
		if q, ok := params["q"]; ok {
			if r.quality, err = strconv.ParseFloat(q, 64); err != nil || r.quality < 0 || r.quality > 1 {
				continue
			}
		}
		all = append(all, r)
	}
	return all
}

// preference is that of the most exact range which covers a form.
func (rs ranges) preference(form string) (p preference) {
	p.exact = -1
	for _, r := range rs {
		exact := slices.Index([]string{"*/*", form[:strings.IndexByte(form, '/')+1] + "*", form}, r.media)
		if exact >= 0 && exact >= p.exact {
			p = preference{r.quality, exact}
		}
	}
	return p
}
