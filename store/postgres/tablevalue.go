package postgres

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/talix-dev/talix/table"
)

var errText = errors.New("PostgreSQL stores texts in UTF-8 without zero bytes only")

// fit makes a value one of its column.
func fit(s *table.Schema, column int, v table.Value) (table.Value, error) {
	c := &s.Columns[column]
	switch {
	case v.Kind() == table.Float && math.IsNaN(v.Float()):
		v = table.Value{}
	case v.Kind() == table.Float && v.Float() == 0:
		v = table.FloatValue(0) // not minus zero, which is the same to SQL
	case v.Kind() == table.Int && c.Kind == table.Float:
		v = table.FloatValue(float64(v.Int()))
	}
	switch {
	case v.Kind() == table.Null && !c.Null:
		return v, fmt.Errorf("column %s of table %s does not allow NULL", c.Name, s.Name)
	case v.Kind() != table.Null && v.Kind() != c.Kind:
		return v, fmt.Errorf("column %s of table %s holds %s, not %s", c.Name, s.Name, sqlType(c.Kind), sqlType(v.Kind()))
	case v.Kind() == table.Text && !isText(v.Text()):
		return v, fmt.Errorf("column %s of table %s: %w", c.Name, s.Name, errText)
	}
	return v, nil
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func elementOID(k table.Kind) uint32 {
	switch k {
	case table.Int:
		return int8OID
	case table.Float:
		return pgtype.Float8OID
	case table.Blob:
		return blobOID
	}
	return textOID
}

func arrayOID(k table.Kind) uint32 {
	switch k {
	case table.Int:
		return pgtype.Int8ArrayOID
	case table.Float:
		return pgtype.Float8ArrayOID
	case table.Blob:
		return pgtype.ByteaArrayOID
	}
	return pgtype.TextArrayOID
}

// value appends a value that fits its column.
func (a *array) value(v table.Value) {
	switch v.Kind() {
	case table.Int:
		a.int8(v.Int())
	case table.Float:
		a.int8(int64(math.Float64bits(v.Float())))
	case table.Text, table.Blob:
		a.text(v.Text())
	default:
		a.null()
	}
}

// readColumn reads a value of a column in binary form.
func readColumn(k table.Kind, b []byte) table.Value {
	switch {
	case b == nil:
		return table.Value{}
	case k == table.Int:
		return table.IntValue(readInt(b))
	case k == table.Float:
		return table.FloatValue(readFloat(b))
	case k == table.Blob:
		return table.BlobValue(string(b))
	}
	return table.TextValue(string(b))
}

// readText reads a value that a query returned as text.
func readText(oid uint32, b []byte) (table.Value, error) {
	if b == nil {
		return table.Value{}, nil
	}
	text := string(b)
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		n, err := strconv.ParseInt(text, 10, 64)
		return table.IntValue(n), err
	case pgtype.BoolOID:
		return table.BoolValue(text == "t"), nil
	case pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		return readNumber(oid, text)
	case pgtype.ByteaOID:
		data, err := hex.DecodeString(strings.TrimPrefix(text, `\x`))
		return table.BlobValue(string(data)), err
	}
	return table.TextValue(text), nil
}

// readNumber takes a numeric without decimals for an integer, such as the sum
// of integers is.
func readNumber(oid uint32, text string) (table.Value, error) {
	if oid == pgtype.NumericOID {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return table.IntValue(n), nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) {
		err = nil // it is infinite, or zero
	}
	if math.IsNaN(f) {
		return table.Value{}, err
	}
	return table.FloatValue(f), err
}

// writeText is a parameter as text; nil for NULL.
func writeText(v table.Value) ([]byte, error) {
	switch v.Kind() {
	case table.Int:
		return strconv.AppendInt(nil, v.Int(), 10), nil
	case table.Float:
		return strconv.AppendFloat(nil, v.Float(), 'g', -1, 64), nil
	case table.Text:
		if !isText(v.Text()) {
			return nil, errText
		}
		return append([]byte{}, v.Text()...), nil
	case table.Blob:
		return []byte(`\x` + hex.EncodeToString([]byte(v.Text()))), nil
	}
	return nil, nil
}
