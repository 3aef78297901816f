package registry

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// EncodeFields writes a pointer to a struct by the names of its Go fields,
// whatever their tags say: what was taken from a path or a header is kept with
// the body.
func EncodeFields(in any) ([]byte, error) {
	v := reflect.ValueOf(in).Elem()
	if v.Kind() != reflect.Struct {
		return json.Marshal(in)
	}
	fields := map[string]any{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			fields[f.Name] = v.Field(i).Interface()
		}
	}
	return json.Marshal(fields)
}

// DecodeFields reads what EncodeFields wrote into a pointer, and returns it.
func DecodeFields(in any, data []byte) (any, error) {
	v := reflect.ValueOf(in).Elem()
	if v.Kind() != reflect.Struct {
		return in, json.Unmarshal(data, in)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if raw, ok := fields[f.Name]; ok && f.IsExported() {
			if err := json.Unmarshal(raw, v.Field(i).Addr().Interface()); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
	}
	return in, nil
}
