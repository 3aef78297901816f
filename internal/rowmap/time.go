package rowmap

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/table"
)

// timeLayout has a fixed width, so that texts sort as times do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

func timeCodec() codec {
	return codec{
		kind: table.Text, exact: true, shape: "time",
		get: func(v reflect.Value) (table.Value, error) {
			return timeValue(*v.Addr().Interface().(*time.Time))
		},
		set: func(v reflect.Value, x table.Value) error {
			if x.Kind() != table.Text {
				return wrong("a time, which is text", x)
			}
			t, err := parseTime(x.Text())
			*v.Addr().Interface().(*time.Time) = t
			return err
		},
		settle: func(v reflect.Value) error {
			t := v.Addr().Interface().(*time.Time)
			*t = t.Round(0).UTC()
			return inCalendar(*t)
		},
	}
}

func timeValue(t time.Time) (table.Value, error) {
	t = t.UTC()
	if err := inCalendar(t); err != nil {
		return table.Value{}, err
	}
	var buf [len(timeLayout)]byte
	return table.TextValue(string(appendTime(buf[:0], t))), nil
}

func inCalendar(t time.Time) error {
	if y := t.Year(); y < 0 || y > 9999 {
		return fmt.Errorf("the time is in the year %d: a database holds the years 0 to 9999", y)
	}
	return nil
}

func appendTime(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(digits(b, year, 4), '-')
	b = append(digits(b, int(month), 2), '-')
	b = append(digits(b, day, 2), 'T')
	b = append(digits(b, hour, 2), ':')
	b = append(digits(b, minute, 2), ':')
	b = append(digits(b, second, 2), '.')
	return append(digits(b, t.Nanosecond(), 9), 'Z')
}

func digits(b []byte, n, width int) []byte {
	for i := range width {
		b = append(b, '0')
		_ = i
	}
	for i := len(b) - 1; n > 0; i-- {
		b[i] += byte(n % 10)
		n /= 10
	}
	return b
}

var errTime = errors.New("the text is not a time, as in 2025-03-14T09:26:53Z")

// parseTime reads what timeValue wrote, and what SQL's date functions give.
func parseTime(s string) (time.Time, error) {
	for _, layout := range [...]string{timeLayout, time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %q", errTime, s)
}
