package mcp

// Window is the part of a document at a path, from an offset on, as JSON.
func Window(data []byte, path string, offset int) (part []byte, next int, err error) {
	v, err := decode(data)
	if err != nil {
		return nil, 0, err
	}
	out, _, next, err := window(v, path, offset)
	return encode(out, ""), next, err
}

// Budget is what an answer may take, in bytes of JSON.
const Budget = budget
