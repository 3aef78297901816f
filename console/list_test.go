package console_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/console/api"
)

// listed reads one page of entities.
func (s *site) listed(query ...string) (p api.EntityPage) {
	s.t.Helper()
	_, body := s.send("GET", "/api/v1/entities?"+values(query...), "")
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Items == nil {
		s.t.Fatalf("%v: %v %s", query, err, body)
	}
	return p
}

// all reads a list page by page, as far as its pages go.
func (s *site) all(query ...string) (ids []string, pages int) {
	s.t.Helper()
	p, most := s.listed(query...), 7
	if slices.Contains(query, "500") {
		most = 500
	}
	for pages = 1; ; pages++ {
		if len(p.Items) > most {
			s.t.Errorf("%v: a page of %d has %d", query, most, len(p.Items))
		}
		for _, e := range p.Items {
			ids = append(ids, e.ID)
		}
		if p.Next == "" {
			return ids, pages
		}
		if pages > 1000 {
			s.t.Fatal("the list has no end")
		}
		p = s.listed("cursor", p.Next, "max", "7")
	}
}

// many deposits into n accounts, a000 first, and again into every tenth.
func (s *site) many(n int) (ids []string) {
	s.t.Helper()
	for i := range n {
		ids = append(ids, fmt.Sprintf("a%03d", i))
		s.deposit(ids[i], 1)
	}
	for i := 0; i < n; i += 10 {
		s.deposit(ids[i], 1)
	}
	return ids
}

// Lists of entities go page by page, each entity once, in both orders.
func TestEntitiesArePaged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.many(60)
	newest := slices.Clone(ids)
	slices.Reverse(newest)
	var changed []string
	for _, again := range []bool{true, false} {
		for _, id := range newest {
			if strings.HasSuffix(id, "0") == again {
				changed = append(changed, id)
			}
		}
	}
	for name, test := range map[string]struct {
		query []string
		want  []string
	}{
		"changed last":    {[]string{"type", "account", "max", "7"}, changed},
		"of all types":    {[]string{"max", "7"}, changed},
		"born last":       {[]string{"type", "account", "by", "birth", "max", "7"}, newest},
		"born first":      {[]string{"type", "account", "by", "birth", "oldest", "true", "max", "7"}, ids},
		"beginning":       {[]string{"type", "account", "search", "a01", "by", "birth", "oldest", "1", "max", "7"}, ids[10:20]},
		"whole id":        {[]string{"type", "account", "search", "a010", "max", "7"}, ids[10:11]},
		"nothing":         {[]string{"type", "account", "search", "b", "max", "7"}, nil},
		"all on one page": {[]string{"type", "account", "by", "birth", "oldest", "true", "max", "500"}, ids},
	} {
		got, pages := s.all(test.query...)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		if most := len(test.want)/7 + 2; pages > most {
			t.Errorf("%s: %d pages", name, pages)
		}
	}
	first := s.listed("type", "account", "max", "1").Items[0]
	if first.ID != "a050" || first.Version != 2 || first.Event != "ACCOUNTS:DEPOSITED" || first.Deleted {
		t.Errorf("%+v", first)
	}
}

// One whole id comes first and once, whatever else begins with it.
func TestSearchFindsTheWholeID(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, id := range []string{"al", "alice", "al", "albert", "bob", "alfred"} {
		s.deposit(id, 1)
	}
	if first := s.listed("type", "account", "search", "al", "max", "2"); len(first.Items) != 2 {
		t.Errorf("the first page has %d", len(first.Items))
	}
	got, _ := s.all("type", "account", "search", "al", "max", "2")
	if want := []string{"al", "alfred", "albert", "alice"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestBadLists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 1)
	for query, want := range map[string]int{
		"type=nothing": 404, "by=size": 422, "oldest=perhaps": 422, "max=-1": 422, "max=x": 422, "cursor=x": 422, "cursor=.": 422, "cursor=x.y": 422,
		"cursor=" + strings.Repeat("A", 9000): 422,
	} {
		for _, path := range []string{"/api/v1/entities?", "/entities?"} {
			if strings.HasPrefix(path, "/e") && !strings.Contains(query, "cursor") && !strings.Contains(query, "nothing") {
				continue // the page has no such field
			}
			if resp, body := s.send("GET", path+query, ""); resp.StatusCode != want {
				t.Errorf("%s%.40s: %d, want %d: %s", path, query, resp.StatusCode, want, body)
			}
		}
	}
}

var nextPage = regexp.MustCompile(`href="(/entities\?[^"]*cursor=[^"]*)"`)

func TestEntityPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := s.many(120)
	at, seen := "/entities?type=account&by=birth", 0
	for range 3 {
		body := s.page(at)
		for _, id := range ids {
			if strings.Contains(body, ">"+id+"<") {
				seen++
			}
		}
		m := nextPage.FindStringSubmatch(body)
		if m == nil {
			break
		}
		next, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
		if err != nil {
			t.Fatal(err)
		}
		at = next.String()
	}
	if seen != len(ids) {
		t.Errorf("the pages show %d of %d entities", seen, len(ids))
	}
	s.has(at, "First page", "Born last")
}
