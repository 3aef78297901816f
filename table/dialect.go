package table

// Dialect is what a Store tells of its SQL where databases differ. A Store
// without it runs queries that need nothing of this.
type Dialect interface {
	// Dialect names the database's kind, such as "sqlite" or "postgres".
	Dialect() string

	// Elements is the text of a SELECT of one column: the elements of the JSON
	// array that the named parameter holds as Text, each as a value of kind
	// Int, Float or Text. No elements are no rows.
	Elements(param string, k Kind) string

	// Search is the text of a SELECT of one column: the keys of the rows of a
	// table whose full-text columns match the named parameter, which Terms has
	// made. It fails to be prepared for a table without such columns.
	Search(table, param string) string

	// Terms makes the parameter of Search of what a person typed: a row
	// matches in which all of the words stand, the last of them perhaps only as
	// the beginning of one. Every text is taken, of which the first 64 words
	// count; one without words matches nothing.
	Terms(text string) Value

	// AsOf is the text of a SELECT of the columns of a history table, with its
	// own (partition, valid_from, valid_to): its rows as of the positions that
	// the named parameter holds as Text, a JSON object of positions by
	// partition. Partitions that it leaves out, and all for NULL, are as they
	// are now.
	AsOf(history, param string) string
}
