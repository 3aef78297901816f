package detect

// Amounts are the amounts of one line, as code and sign.
func Amounts(line string) []string {
	var out []string
	for _, a := range readOne(line).amounts {
		out = append(out, a.value.format("")+a.currency)
	}
	return out
}

// Dates are the dates of one line.
func Dates(line string, monthFirst bool) []string {
	var out []string
	for _, d := range readOne(line).dates {
		out = append(out, d.format(monthFirst))
	}
	return out
}

// Role names what a label says of the amount beside it.
func Role(label string) string {
	return [...]string{"unknown", "grand", "total", "due", "paid", "tendered", "change", "subtotal", "tax", "extra", "prepaid", "ignored"}[roleOf(fold(label))]
}

func readOne(text string) line {
	if lines := read(text); len(lines) > 0 {
		return lines[0]
	}
	return line{}
}
