package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix/console/draw"
)

// words are the functions that templates call.
func words() template.FuncMap {
	return template.FuncMap{
		"rate": draw.Rate, "short": draw.Short, "bytes": bytesText, "count": countText, "seconds": secondsText, "took": tookText,
		"pretty": pretty, "prettyText": func(s string) string { return pretty(json.RawMessage(s)) }, "stamp": stamp, "clock": clock, "link": link, "cell": cellText, "list": list, "pad": pad,
		"percent": percent, "join": strings.Join, "add": func(a, b int) int { return a + b },
		"bars": func(counts, failures []uint32) draw.Spark { return draw.Bars(counts, failures, 4) },
		"dict": dict, "choose": choose,
	}
}

func bytesText(n any) string {
	v, err := strconv.ParseFloat(fmt.Sprint(n), 64)
	if err != nil {
		return "–"
	}
	for _, unit := range []string{"bytes", "KiB", "MiB", "GiB"} {
		if v < 1024 {
			if unit == "bytes" {
				return fmt.Sprintf("%.0f bytes", v)
			}
			return fmt.Sprintf("%.1f %s", v, unit)
		}
		v /= 1024
	}
	return fmt.Sprintf("%.1f TiB", v)
}

// countText writes a number with thin spaces between its thousands.
func countText(n any) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteRune('\u202f')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func secondsText(s float64) string {
	if s == 0 {
		return "–"
	}
	return tookText(time.Duration(s * float64(time.Second)))
}

func tookText(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return "<0.01 ms"
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Second).String(), "0s")
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

func pretty(data json.RawMessage) string {
	var b bytes.Buffer
	if len(data) == 0 || json.Indent(&b, data, "", "  ") != nil {
		return string(data)
	}
	return b.String()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000") + " UTC"
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// link makes the address of a page: names and values of its query in turn.
func link(path string, pairs ...any) template.URL {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := fmt.Sprint(pairs[i+1]); value != "" {
			q.Set(fmt.Sprint(pairs[i]), value)
		}
	}
	if len(q) == 0 {
		return template.URL(path)
	}
	return template.URL(path + "?" + q.Encode())
}

func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

func choose(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

func list(all ...string) []string { return all }

func pad(n int) string { return strings.Repeat("  ", min(n, 64)) }

func percent(part, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	return min(100*part/whole, 100)
}

func dict(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}
