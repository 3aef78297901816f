package schema

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

var errDepth = errors.New("the value is nested too deep, or refers to itself")

// generic is a Go value in the form that its JSON has when it is decoded into
// an any.
func generic(n *node, v reflect.Value, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if n.kind != free && !n.opaque {
		for v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, nil
	}
	switch n.kind {
	case free:
		return throughJSON(v)
	case object:
		return genericObject(n.shape, v, depth)
	case array:
		return genericArray(n, v, depth)
	case dict:
		return genericDict(n, v, depth)
	default:
		return genericLeaf(n, v)
	}
}

func genericObject(o *fields, v reflect.Value, depth int) (any, error) {
	m := make(map[string]any, len(o.list))
	for i := range o.list {
		f := &o.list[i]
		fv, ok := f.written(v)
		if !ok {
			continue
		}
		doc, err := generic(f.node, fv, depth+1)
		if err != nil {
			return nil, err
		}
		m[f.Name] = doc
	}
	return m, nil
}

func genericArray(n *node, v reflect.Value, depth int) (any, error) {
	list := make([]any, v.Len())
	for i := range list {
		doc, err := generic(n.elem, v.Index(i), depth+1)
		if err != nil {
			return nil, err
		}
		list[i] = doc
	}
	return list, nil
}

func genericDict(n *node, v reflect.Value, depth int) (any, error) {
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		doc, err := generic(n.elem, it.Value(), depth+1)
		if err != nil {
			return nil, err
		}
		m[keyOf(it.Key())] = doc
	}
	return m, nil
}

func genericLeaf(n *node, v reflect.Value) (any, error) {
	switch {
	case n.t == timeType:
		for v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		return v.Interface().(time.Time).Format(time.RFC3339Nano), nil
	case n.opaque:
		return opaqueLeaf(v)
	default:
		return scalar(v), nil
	}
}

func opaqueLeaf(v reflect.Value) (any, error) {
	if _, ok := v.Interface().(json.Marshaler); ok {
		return throughJSON(v)
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	return throughJSON(v)
}

// throughJSON is for values that only their own code can turn into JSON.
func throughJSON(v reflect.Value) (any, error) {
	data, err := json.Marshal(v.Interface())
	if err != nil {
		return nil, err
	}
	var doc any
	err = json.Unmarshal(data, &doc)
	return doc, err
}

// scalar is the document's form of a string, number, boolean or of bytes.
func scalar(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return float64(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return float64(v.Uint())
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return scalar(v.Elem())
	case reflect.Slice:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	default:
		return nil
	}
}
