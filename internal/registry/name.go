package registry

// NameRule says in an error what ValidName demands.
const NameRule = "a name has 1 to 128 letters, digits and the characters - _ . : /, and begins with a letter"

// ValidName tells whether a name may be stored.
func ValidName(s string) bool {
	if s == "" || len(s) > 128 || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != ':' && c != '/' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
