package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
)

func queryCommand() command {
	return command{
		name: "query", args: "name [name=value…]", about: "Ask a query, or in SQL",
		more: `  talix query list-accounts min=100
  talix query GET /accounts/alice
  talix query --sql 'SELECT count(*) FROM accounts'

SQL is one SELECT over the view tables, and can change nothing. Lists are written
as a table, of which the columns are the members of the first row.`,
		plan: planQuery,
	}
}

func planQuery(f *flag.FlagSet) run {
	sql := f.String("sql", "", "the `SELECT` to ask instead of a query")
	reveal := revealFlag(f)
	header := headerFlag(f)
	return remote(f, func(ctx context.Context, s *session) error {
		if *sql != "" {
			if err := s.noArgs(); err != nil {
				return err
			}
			return s.sql(ctx, *sql, *reveal)
		}
		r, params, rest, err := s.find(ctx, s.args, "query")
		if err != nil {
			return err
		}
		in := runRequest{Kind: r.Kind, Name: r.Name, Params: params, Header: *header}
		rest, named, err := r.named(rest, in.Params)
		if err != nil {
			return err
		}
		if len(rest) > 0 && r.Path != "" {
			return misused("%q is no value such as min=100", rest[0])
		}
		if in.Input, err = s.input(rest, named); err != nil {
			return err
		}
		return s.query(ctx, in)
	})
}

func (s *session) query(ctx context.Context, in runRequest) error {
	asJSON := s.json
	s.json = false // what is wanted is the answer of the query alone
	answer, err := s.answer(ctx, in)
	s.json = asJSON
	if err != nil {
		if t, ok := err.(*told); ok { //nolint:errorlint // it is made above, and not wrapped
			return t.error
		}
		return err
	}
	if s.json {
		s.pass(json.RawMessage(answer.Body))
		return nil
	}
	s.people([]byte(answer.Body))
	return nil
}

// people writes the answer of a query for people.
func (s *session) people(body []byte) {
	var page struct {
		Items json.RawMessage `json:"items"`
		Next  json.RawMessage `json:"next"`
	}
	if json.Unmarshal(body, &page) == nil && len(page.Items) > 0 {
		if t, ok := tableOf(page.Items); ok {
			s.table(t, "no rows")
			if len(page.Next) > 0 {
				s.note("there is more: next is %s", page.Next)
			}
			return
		}
	}
	if t, ok := tableOf(body); ok {
		s.table(t, "no rows")
		return
	}
	say(s.Stdout, "%s\n", pretty(body))
}

// tableOf makes a table of a list of objects.
func tableOf(data []byte) (*table, bool) {
	var rows []json.RawMessage
	if json.Unmarshal(data, &rows) != nil {
		return nil, false
	}
	var names []string
	objects := make([]map[string]json.RawMessage, len(rows))
	for i, row := range rows {
		if json.Unmarshal(row, &objects[i]) != nil {
			return nil, false
		}
		names = membersOf(row, names)
	}
	t := newTable(headings(names)...)
	for _, o := range objects {
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = cell(o[name])
		}
		t.row(cells...)
	}
	return t, true
}

func headings(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strings.ToUpper(name)
	}
	return all
}

// membersOf adds the names of an object's members, in their order.
func membersOf(object []byte, names []string) []string {
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token() // it is an object
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return names
		}
		if text, ok := name.(string); ok && !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}

// cell is a value as a table has it: texts without quotes.
func cell(value json.RawMessage) string {
	var text string
	switch {
	case len(value) == 0 || string(value) == "null":
		return "-"
	case json.Unmarshal(value, &text) == nil:
		return text
	}
	return string(value)
}

func (s *session) sql(ctx context.Context, text string, reveal bool) error {
	var rows struct {
		Columns []string
		Rows    [][]json.RawMessage
		More    bool
	}
	path := "sql"
	if reveal {
		path = "reveal/sql"
	}
	data, err := s.post(ctx, path, map[string]string{"sql": text}, &rows)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		t := newTable(headings(rows.Columns)...)
		for _, row := range rows.Rows {
			cells := make([]string, len(row))
			for i, v := range row {
				cells[i] = cell(v)
			}
			t.row(cells...)
		}
		s.table(t, "no rows")
		if rows.More {
			s.note("%s", fmt.Sprintf("these are the first %d rows; there are more", len(rows.Rows)))
		}
	})
}
