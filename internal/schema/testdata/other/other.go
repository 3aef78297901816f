// Package other has types whose names another package uses too.
package other

// Row is a row.
type Row struct{ A int }

// Page has rows of some type.
type Page[R any] struct{ Items []R }
