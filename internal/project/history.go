package project

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// present is valid_to of a row that is still so.
const present = math.MaxInt64

// The columns that a history has beyond those of its table.
const (
	columnPartition = "partition"
	columnFrom      = "valid_from"
	columnTo        = "valid_to"
)

// historyColumns are those of the table, followed by where and when.
func historyColumns(plan *rowmap.Plan) ([]table.Column, error) {
	var columns []table.Column
	for _, c := range plan.Columns() {
		if slices.Contains([]string{columnPartition, columnFrom, columnTo}, strings.ToLower(c.Name)) {
			return nil, fmt.Errorf("its column %s is one that its history has already: name it otherwise with a tag", c.Name)
		}
		c.Fulltext = false
		columns = append(columns, c)
	}
	return append(columns, table.Column{Name: columnPartition, Kind: table.Int}, table.Column{Name: columnFrom, Kind: table.Int, Index: true},
		table.Column{Name: columnTo, Kind: table.Int, Key: true}), nil
}

// checkHistory: positions of several partitions can't be compared, so a row of
// a history belongs to one entity.
func (v *view) checkHistory() (faults []error) {
	entities := map[string]bool{}
	byKeys := false
	for _, t := range v.events {
		entities[t.entity.Type] = true
		for _, o := range t.ops {
			byKeys = byKeys || o.Keys != nil || o.Project != nil
		}
	}
	for _, s := range v.sheets {
		if s.history != nil && (byKeys || len(entities) > 1) {
			faults = append(faults, fmt.Errorf("%s: table %q: %w", s.def.Place, s.def.Name,
				errors.New("a history is kept of rows by the id of entities of one type: remove KeepHistory, or By, ByEach, the view, or the events of other entities")))
		}
	}
	return faults
}

// past is a row of a history.
func past(values []table.Value, p store.Partition, from, to store.Position) []table.Value {
	row := make([]table.Value, 0, len(values)+3)
	return append(append(row, values...), table.IntValue(int64(p)), table.IntValue(int64(from)), table.IntValue(int64(to)))
}
