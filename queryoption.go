package talix

import (
	"errors"
	"fmt"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

// Expose answers a query over HTTP, as in Expose("GET /documents/{id}"). The
// query's input is taken from the request as OnHTTP does; fields without a tag
// are query parameters.
//
// The answer is JSON. An SQL query for many rows also answers, by the request's
// Accept header, with all its rows: one JSON object a line
// (application/x-ndjson), or comma-separated values (text/csv) under the JSON
// names of R's fields. Rows are sent as they are read. If that fails midway,
// the last line of NDJSON is {"error":…}, and in either form the connection is
// cut, so that no one takes a part for the whole. In CSV a text that a
// spreadsheet would run as a formula begins with an apostrophe.
//
// A request that gives a Talix-Position of an earlier answer, in the header
// Talix-After or as ?after=, is answered from data that has what was written
// there; it waits for that, five seconds at most.
func Expose(pattern string) QueryOption {
	return func(q *registry.Query) {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok || method != "GET" || !strings.HasPrefix(path, "/") {
			q.Faults = append(q.Faults, fmt.Errorf("query %q: Expose(%q): queries are read with GET, as in \"GET /documents/{id}\"", q.Name, pattern))
		}
		q.HTTP = &registry.HTTP{Method: method, Path: path}
	}
}

// Describe says what an exposed query is for, in the OpenAPI document: in a
// line, and at length.
func Describe(summary, description string) QueryOption {
	return func(q *registry.Query) { q.Summary, q.Description = summary, description }
}

// PageBy gives the answer of an SQL query in pages, in the order of the given
// columns of its result, each followed by " desc" if it falls. Together they
// must be different for each row, and none of them NULL. The query's text has
// no ORDER BY or LIMIT of its own, and its input embeds Paging. Pages lead in
// both directions and stay stable while rows arrive: a cursor says after or
// before which row to go on, not how many to skip.
func PageBy(columns ...string) QueryOption {
	return func(q *registry.Query) {
		if q.SQL == nil || q.SQL.One || len(columns) == 0 {
			q.Faults = append(q.Faults, errors.New("PageBy is for SQL queries and takes at least one column"))
			return
		}
		for _, c := range columns {
			name, desc := strings.CutSuffix(c, " desc")
			q.SQL.Page = append(q.SQL.Page, registry.PageKey{Column: name, Desc: desc})
		}
	}
}

// Dialect gives an SQL query another text for the databases of one kind, such
// as "sqlite" or "postgres".
func Dialect(name, text string) QueryOption {
	return func(q *registry.Query) {
		if q.SQL == nil {
			q.Faults = append(q.Faults, errors.New("Dialect is for SQL queries: remove it"))
			return
		}
		if q.SQL.Dialects == nil {
			q.SQL.Dialects = map[string]string{}
		}
		q.SQL.Dialects[name] = text
	}
}
