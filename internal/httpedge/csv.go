package httpedge

import (
	"bufio"
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/schema"
)

// table writes comma-separated values (RFC 4180), with the JSON names of the
// row's fields in the first line. Texts stand as they are, line breaks too.
type table struct {
	out    *bufio.Writer
	fields [][]int
}

func newCSV(out *bufio.Writer, row reflect.Type) (*table, error) {
	t := &table{out: out}
	var names []string
	for _, f := range schema.Fields(row) {
		t.fields = append(t.fields, f.Index)
		names = append(names, f.Name)
	}
	err := t.line(len(names), func(i int) (string, error) { return names[i], nil })
	return t, err
}

func (t *table) row(value any) error {
	v := reflect.ValueOf(value).Elem()
	return t.line(len(t.fields), func(i int) (string, error) {
		f, err := v.FieldByIndexErr(t.fields[i])
		if err != nil {
			return "", nil //nolint:nilerr // a nil pointer stands where its fields would be
		}
		return cell(f)
	})
}

func (t *table) line(n int, cell func(i int) (string, error)) error {
	for i := range n {
		text, err := cell(i)
		if err != nil {
			return err
		}
		if strings.ContainsAny(text, ",\"\r\n") {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		if i > 0 {
			text = "," + text
		}
		if _, err := t.out.WriteString(text); err != nil {
			return err
		}
	}
	_, err := t.out.WriteString("\r\n")
	return err
}

// fault writes nothing: any line would be taken for a row.
func (t *table) fault(problem) error { return nil }

// cell is a field as text: what JSON has, without quotes; nothing for null.
func cell(v reflect.Value) (string, error) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", nil
		}
		v = v.Elem()
	}
	switch of := v.Addr().Interface().(type) {
	case *time.Time:
		return of.Format(time.RFC3339Nano), nil
	case json.Marshaler:
		return jsonCell(v)
	case encoding.TextMarshaler:
		text, err := of.MarshalText()
		return harmless(string(text)), err
	}
	switch v.Kind() {
	case reflect.String:
		return harmless(v.String()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	default:
		return jsonCell(v)
	}
}

func jsonCell(v reflect.Value) (string, error) {
	data, err := json.Marshal(v.Addr().Interface())
	if err != nil || string(data) == "null" {
		return "", err
	}
	var text string
	if json.Unmarshal(data, &text) == nil {
		return harmless(text), nil
	}
	return string(data), nil
}

// harmless puts an apostrophe before a text that a spreadsheet would run as a
// formula. Numbers are none.
func harmless(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return "'" + text
}
