package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

func (s *server) definitions() {
	kinds := []any{"entity", "command", "action", "view", "query"}
	add(s, tool{
		name: "list_definitions", title: "What the program hosts",
		about: "Lists what the program hosts: its entities with their event types, commands, actions with what triggers them, views with their tables, and queries, each with its service and where it is defined. Start here to learn the names that the other tools take.",
		rules: []rule{oneOf("kind", kinds...), limited(200, 100), between("offset", 0, 1e6)},
	}, s.listDefinitions)
	add(s, tool{
		name: "describe_definition", title: "One definition in full",
		about: "Tells all that is known of one definition: the JSON schema of a command's or workflow's input, the columns of a view's tables, the SQL of a query, and how it hangs together with others: what leads to it and where it leads, with rates of the last minutes. Edges marked learnt were seen at work, the others are declared.",
		rules: append(named("name"), oneOf("kind", kinds...), between("offset", 0, 1e9)),
	}, s.describeDefinition)
}

// kinds are the members of a catalog, by what one of them is called.
func kinds() [][2]string {
	return [][2]string{{"entity", "entities"}, {"command", "commands"}, {"action", "actions"}, {"view", "views"}, {"query", "queries"}}
}

type listDefinitions struct {
	Kind    string `json:"kind,omitempty" jsonschema:"Only definitions of this kind."`
	Service string `json:"service,omitempty" jsonschema:"Only those of this service."`
	Limit   int    `json:"limit,omitempty" jsonschema:"At most so many."`
	Offset  int    `json:"offset,omitempty" jsonschema:"Go on behind so many, as next of an earlier answer says."`
}

func (s *server) listDefinitions(ctx context.Context, in listDefinitions) (answer, error) {
	catalog, err := s.catalog(ctx)
	if err != nil {
		return answer{}, err
	}
	var all []any
	for _, kind := range kinds() {
		for _, d := range catalog.list(kind[1]) {
			o := objectOf(d)
			if (in.Kind == "" || in.Kind == kind[0]) && (in.Service == "" || in.Service == o.text("service")) {
				all = append(all, brief(kind[0], o))
			}
		}
	}
	a, err := sliced(all, in.Offset, or(in.Limit, 100), "definitions", catalog.only("services", "partitions"))
	a.about = fmt.Sprintf("%d definitions of the program; describe_definition tells more of one", len(all))
	return a, err
}

func (s *server) catalog(ctx context.Context) (object, error) {
	v, err := s.get(ctx, "catalog", nil)
	return objectOf(v), err
}

// brief is a definition as a list has it.
func brief(kind string, o object) object {
	out := append(object{{"kind", kind}}, o.only("name", "service", "entity", "trigger", "on", "to", "method", "path", "reads", "place")...)
	for _, list := range []string{"events", "tables"} {
		var names []any
		for _, v := range o.list(list) {
			names = append(names, objectOf(v).only("type", "name")[0].value)
		}
		if names != nil {
			out = append(out, member{list, names})
		}
	}
	return out
}

type describeDefinition struct {
	Kind   string `json:"kind" jsonschema:"What it is."`
	Name   string `json:"name" jsonschema:"Its name, as list_definitions has it, such as account.deposit."`
	Path   string `json:"path,omitempty" jsonschema:"Only this part of the answer's definition, as a JSON pointer such as /input/properties."`
	Offset int    `json:"offset,omitempty" jsonschema:"Go on behind so many members, as next of an earlier answer says."`
}

func (s *server) describeDefinition(ctx context.Context, in describeDefinition) (answer, error) {
	catalog, err := s.catalog(ctx)
	if err != nil {
		return answer{}, err
	}
	found := definition(catalog, in.Kind, in.Name)
	if found == nil {
		return answer{}, fmt.Errorf("the program hosts no %s of that name: list_definitions tells the names", in.Kind)
	}
	near, err := s.neighbours(ctx, in.Kind+":"+in.Name)
	if err != nil {
		return answer{}, err
	}
	found = slices.Concat(found, near)
	if schemas := mentioned(found, objectOf(catalog.get("schemas"))); schemas != nil {
		found = append(found, member{"schemas", schemas})
	}
	return windowed("A definition of the program", nil, "definition", found, in.Path, in.Offset)
}

func definition(catalog object, kind, name string) object {
	for _, k := range kinds() {
		for _, d := range catalog.list(k[1]) {
			if o := objectOf(d); k[0] == kind && o.text("name") == name {
				return append(object{{"kind", kind}}, o...)
			}
		}
	}
	return nil
}

// neighbours are what leads to a node of the map, and where it leads.
func (s *server) neighbours(ctx context.Context, node string) (out object, err error) {
	v, err := s.get(ctx, "map", nil)
	if err != nil {
		return nil, err
	}
	before, behind := []any{}, []any{}
	for _, e := range objectOf(v).list("edges") {
		edge := objectOf(e)
		if edge.text("to") == node {
			before = append(before, edge.without("to"))
		}
		if edge.text("from") == node {
			behind = append(behind, edge.without("from"))
		}
	}
	return object{{"reachedFrom", before}, {"leadsTo", behind}}, nil
}

// mentioned are the schemas that a definition refers to, and those that they
// refer to.
func mentioned(v any, schemas object) (out object) {
	text := string(encodeFlat(nil, v))
	for more := true; more; {
		more = false
		for _, m := range schemas {
			if out.get(m.name) == nil && strings.Contains(text, `"#/components/schemas/`+m.name+`"`) {
				out, more = append(out, m), true
				text += string(encodeFlat(nil, m.value))
			}
		}
	}
	return out
}

// windowed answers a part of one document, beside what rest says of it.
func windowed(about string, rest object, name string, v any, path string, offset int) (answer, error) {
	part, cuts, next, err := window(v, path, offset)
	if err != nil {
		return answer{}, err
	}
	a := answer{about: about, data: append(slices.Clone(rest), member{name, part})}
	if next > 0 {
		a.next = object{{"offset", next}}
	}
	a.noteCuts(cuts, "the same call with that path, and offset, shows it")
	return a, nil
}
