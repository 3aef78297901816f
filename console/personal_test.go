package console_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	vaults "github.com/talix-dev/talix/vault/memory"
)

// patient is a state that does not say what in it is personal.
type patient struct {
	Name   string
	Visits int
}

// guest is one that does.
type guest struct {
	Name string `json:"name" personal:"true"`
	Seat int    `json:"seat"`
}

type admitted struct {
	Name string `json:"name" personal:"true"`
	Ward string `json:"ward"`
}

func (e admitted) Apply(p *patient, _ talix.Meta) { p.Name, p.Visits = e.Name, p.Visits+1 }

type discharged struct{}

func (discharged) Apply(*patient, talix.Meta) {}

type seated struct {
	Name string `json:"name" personal:"true"`
	Seat int    `json:"seat"`
}

func (e seated) Apply(g *guest, _ talix.Meta) { *g = guest(e) }

type patientRow struct {
	ID   string `db:"id,key"`
	Name string `db:"name"`
}

// clinic is a service with personal data in all that the console shows.
type clinic struct {
	admit     *talix.Command[admitted, string]
	discharge *talix.Command[struct{}, struct{}]
	seat      *talix.Command[seated, struct{}]
	service   talix.Service
}

const who = "Rosa Klein"

func newClinic() *clinic {
	c := &clinic{}
	patients := talix.NewEntity("patient", talix.Event[admitted]("PATIENT:ADMITTED"), talix.Event[discharged]("PATIENT:DISCHARGED"))
	guests := talix.NewEntity("guest", talix.Event[seated]("GUEST:SEATED"))
	c.admit = talix.NewCommand(patients, "admit", func(c talix.CommandContext[patient], in admitted) (string, error) {
		c.Emit(in)
		return "ward " + in.Ward, nil
	})
	c.discharge = talix.NewCommand(patients, "discharge", func(c talix.CommandContext[patient], _ struct{}) (struct{}, error) {
		c.Delete(discharged{})
		return struct{}{}, nil
	})
	c.seat = talix.NewCommand(guests, "seat", func(c talix.CommandContext[guest], in seated) (struct{}, error) {
		c.Emit(in)
		return struct{}{}, nil
	})
	rows := talix.NewTable("patients", talix.When(func(r *patientRow, e talix.Recorded[admitted]) { r.ID, r.Name = e.EntityID, e.Data.Name })).KeepDeleted()
	write := talix.OnEvent("write-letter", func(talix.ActionContext, talix.Recorded[admitted]) error {
		return errors.New("no paper")
	}, talix.Attempts(1))
	together := talix.OnHTTP("POST /together", func(ctx talix.ActionContext, in struct{ A, B string }) (struct{}, error) {
		return struct{}{}, talix.Group(ctx, talix.Do(c.admit, in.A, admitted{Name: who, Ward: "1"}), talix.Do(c.seat, in.B, seated{Name: who, Seat: 2}))
	})
	c.service = talix.Service{Name: "clinic", Components: talix.Components{patients, guests, c.admit, c.discharge, c.seat, rows, write, together}}
	return c
}

func clinicSite(t *testing.T, change ...func(*console.Config)) (*clinic, *site) {
	t.Helper()
	c := newClinic()
	s := openSite(t, runtime.Config{Store: memory.New(memory.Config{}), Keys: vaults.New()}, []talix.Part{c.service}, change...)
	if _, err := talix.Run(s.rt.Context(t.Context()), c.admit, "p1", admitted{Name: who, Ward: "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := talix.Run(s.rt.Context(t.Context()), c.seat, "g1", seated{Name: who, Seat: 7}); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool {
		rows, err := s.rt.Views().Rows(t.Context(), "patients", 0, 1)
		items, err2 := s.rt.Work().List(t.Context(), runtime.WorkFilter{Status: "parked"})
		return errors.Join(err, err2) == nil && len(rows.Rows) == 1 && len(items) == 1
	})
	return c, s
}

// parkedID is the piece of work that is parked.
func (s *site) parkedID() string {
	s.t.Helper()
	items, err := s.rt.Work().List(s.t.Context(), runtime.WorkFilter{Status: "parked"})
	if err != nil || len(items) == 0 {
		s.t.Fatal(items, err)
	}
	return items[0].ID
}

// Nothing that can be looked at shows what is personal.
func TestPersonalValuesAreHidden(t *testing.T) {
	t.Parallel()
	_, s := clinicSite(t)
	work := url.QueryEscape(s.parkedID())
	const sql = "SELECT+name+FROM+patients"
	for path, rest := range map[string]string{
		"/entity?type=patient&id=p1": `&#34;ward&#34;: &#34;1&#34;`, "/entity?type=guest&id=g1": `7`, "/view?name=patients": "p1", "/work/item?id=" + work: "no paper", "/sql?q=" + sql: "•••",
		"/api/v1/entity?type=patient&id=p1": `"ward":"1"`, "/api/v1/entity?type=guest&id=g1": `"seat":7`, "/api/v1/rows?table=patients": `"p1"`, "/api/v1/work": "no paper", "/api/v1/work/item?id=" + work: "no paper",
		"/api/v1/state?type=patient&id=p1": "•••", "/api/v1/events?type=patient&id=p1": `"ward":"1"`, "/api/v1/view/parked?name=patients": "null",
		"/work": "write-letter", "/": "Health", "/map": "Map", "/flows": "Flow", "/entities?type=patient": "p1",
	} {
		if body := s.page(path); strings.Contains(body, "Rosa") || strings.Contains(body, "Klein") || !strings.Contains(body, rest) {
			t.Errorf("%s shows a name, or lacks %q:\n%s", path, rest, body)
		}
	}
	for path, body := range map[string]string{
		"sql": `{"sql":"SELECT upper(name) || '' FROM patients"}`, "preview": `{"name":"patient.admit","id":"p1","input":{"name":"Rosa Klein","ward":"2"}}`, "view/verify": `{"name":"patients"}`,
	} {
		if resp, got := s.send("POST", "/api/v1/"+path, body, "Content-Type", "application/json"); resp.StatusCode != http.StatusOK || strings.Contains(strings.ToLower(got), "rosa") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, got)
		}
	}
	if strings.Contains(s.log.String(), "reveal") {
		t.Errorf("something was revealed: %s", s.log)
	}
}

// Who follows the log sees that something happened, and no name.
func TestTailsHideWhatIsPersonal(t *testing.T) {
	t.Parallel()
	c, s := clinicSite(t)
	tail := s.tail("?type=patient")
	tail.expect("begin", "{}")
	if _, err := talix.Run(s.rt.Context(t.Context()), c.admit, "p2", admitted{Name: who, Ward: "1"}); err != nil {
		t.Fatal(err)
	}
	if _, kind, data := tail.next(); kind != "event" || !strings.Contains(data, `"name":"•••"`) || strings.Contains(data, who) {
		t.Errorf("%s %s", kind, data)
	}
}

// The state of a guest tells itself what is personal, so that the rest is shown;
// a patient's does not, so that nothing is.
func TestStatesAreHiddenByTheirTags(t *testing.T) {
	t.Parallel()
	_, s := clinicSite(t)
	for _, test := range []struct{ typ, id, want string }{{"guest", "g1", `{"name":"•••","seat":7}`}, {"patient", "p1", `{"Name":"•••","Visits":"•••"}`}} {
		var e api.Entity
		_, body := s.send("GET", "/api/v1/entity?type="+test.typ+"&id="+test.id, "")
		if err := json.Unmarshal([]byte(body), &e); err != nil || !e.Personal || !e.Hidden || e.Moments[0].Hidden != 1 || string(e.Moments[0].State) != test.want {
			t.Errorf("%s %s, %v", test.typ, body, err)
		}
	}
}

// Personal values are shown to who asks, for what was asked and for a while, and
// that is logged.
func TestRevealing(t *testing.T) {
	t.Parallel()
	clock := &clockOf{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	_, s := clinicSite(t, func(c *console.Config) { c.Now = clock.now }, readOnly)
	work := "/work/item?id=" + url.QueryEscape(s.parkedID())
	const entity, sql, view = "/entity?type=patient&id=p1", "/sql?q=SELECT+name+FROM+patients", "/view?name=patients"
	for page, subject := range map[string]string{entity: "patient p1", sql: "sql SELECT name FROM patients", view: "table patients", work: "work " + s.parkedID()} {
		if _, body := s.post(page, "/reveal", "subject", subject, "back", page); !strings.Contains(body, who) {
			t.Errorf("%s: %s", page, body)
		}
		want, err := json.Marshal(subject)
		if err != nil || !strings.Contains(s.log.String(), `"what":"reveal personal data","subject":`+string(want)+`,"who":"local 127.0.0.1:`) {
			t.Errorf("the audit lacks %s: %s", want, s.log)
		}
	}
	s.has(entity, "personal values are shown")
	for _, other := range []string{"/entity?type=guest&id=g1", "/sql?q=SELECT+name+AS+n+FROM+patients"} {
		if body := s.page(other); strings.Contains(body, who) {
			t.Errorf("%s was not revealed", other)
		}
	}
	stranger := *s
	stranger.client = newBrowser(t)
	clock.move(9 * time.Minute)
	if body := s.page(entity); !strings.Contains(body, who) || strings.Contains(stranger.page(entity), who) {
		t.Error("it is not shown any more, or to another browser")
	}
	clock.move(2 * time.Minute)
	for _, page := range []string{entity, sql, view, work} {
		if body := s.page(page); strings.Contains(body, who) {
			t.Errorf("%s is still shown", page)
		}
	}
	for path, body := range map[string]string{
		"entity": `{"type":"patient","id":"p1"}`, "state": `{"type":"patient","id":"p1"}`, "events": `{"type":"patient","id":"p1"}`, "rows": `{"table":"patients"}`,
		"sql": `{"sql":"SELECT name FROM patients"}`, "work": `{"id":"` + s.parkedID() + `"}`,
	} {
		if _, got := s.send("POST", "/api/v1/reveal/"+path, body, "Content-Type", "application/json"); !strings.Contains(got, who) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := strings.Count(s.log.String(), "reveal personal data"); got != 10 {
		t.Errorf("%d reveals were logged: %s", got, s.log)
	}
}

// clockOf is a clock that is moved.
type clockOf struct {
	mu sync.Mutex
	at time.Time
}

func (c *clockOf) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clockOf) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// What was erased is told, and stays away when it is revealed.
func TestErasedValues(t *testing.T) {
	t.Parallel()
	_, s := clinicSite(t)
	if _, err := s.rt.Personal().Erase(t.Context(), "p1"); err != nil {
		t.Fatal(err)
	}
	const page = "/entity?type=patient&id=p1"
	s.has(page, "One personal value of this event was erased")
	if _, body := s.post("/work", "/reveal", "subject", "patient p1", "back", page); strings.Contains(body, who) || !strings.Contains(body, "was erased") {
		t.Error(body)
	}
}

// An entity that was deleted is shown as such, and offers no commands.
func TestDeletedEntities(t *testing.T) {
	t.Parallel()
	c, s := clinicSite(t)
	s.has("/entity?type=patient&id=p1", "patient.admit")
	if _, err := talix.Run(s.rt.Context(t.Context()), c.discharge, "p1", struct{}{}); err != nil {
		t.Fatal(err)
	}
	s.has("/entities?type=patient", "deleted", "PATIENT:DISCHARGED")
	s.has("/entity?type=patient&id=p1", "deleted", "the end", "takes no command any more")
	for _, path := range []string{"/entity?type=patient&id=p1", "/entity?type=patient&id=p1&v=1"} {
		if body := s.page(path); strings.Contains(body, "/run/form") {
			t.Errorf("%s offers commands", path)
		}
	}
	if p := s.listed("type", "patient"); len(p.Items) != 1 || !p.Items[0].Deleted {
		t.Errorf("%+v", p)
	}
	_, body := s.post("/run/form?kind=command&name=patient.admit", "/run/form", "kind", "command", "name", "patient.admit", "id", "p1", "input.name", "x", "input.ward", "1", "dry", "yes")
	if !strings.Contains(body, "would be refused with 410") {
		t.Error(body)
	}
}

// The entities of a group lead to each other, and their flow says that it is one.
func TestGroupsAreShown(t *testing.T) {
	t.Parallel()
	_, s := clinicSite(t)
	answer, body := s.request("POST", "/together", `{"A":"p9","B":"g9"}`)
	if answer.StatusCode >= 300 {
		t.Fatal(body)
	}
	s.has("/entity?type=patient&id=p9", "One append with", "/entity?id=g9&amp;type=guest", "patient.admit")
	s.has("/entity?type=guest&id=g9", "One append with", "patient p9", "guest.seat")
	if body := s.page("/entity?type=guest&id=g1"); strings.Contains(body, "One append with") {
		t.Error("a single command is shown as a group")
	}
	f := flowOf(t, s, answer.Header.Get("Talix-Correlation"))
	under := map[string]string{}
	above := map[int]string{}
	for _, step := range f.Steps {
		above[step.Depth] = step.Name
		under[step.Name] = above[step.Depth-1]
		if (step.Kind == "command" || step.Kind == "event") && step.Group == "" {
			t.Errorf("%s %s is of no group", step.Kind, step.Name)
		}
	}
	if under["PATIENT:ADMITTED"] != "patient.admit" || under["GUEST:SEATED"] != "guest.seat" {
		t.Errorf("%v", under)
	}
	s.has("/flow?id="+f.Correlation, "group")
	for query, want := range map[string]int{"type=guest&id=g9&version=1": 200, "type=guest&id=g9": 422, "type=guest&id=g9&version=8": 404, "type=nothing&id=g9&version=1": 404} {
		if resp, body := s.send("GET", "/api/v1/event/together?"+query, ""); resp.StatusCode != want {
			t.Errorf("%s: %d %s", query, resp.StatusCode, body)
		}
	}
}

// A command is tried without keeping anything, with what it would lead to.
func TestTryingWithoutKeeping(t *testing.T) {
	t.Parallel()
	s := newSite(t, readOnly)
	s.deposit("alice", 5)
	const form = "/run/form?kind=command&name=account.deposit"
	dry := func(fields ...string) string {
		_, body := s.post(form, "/run/form", append(fields, "kind", "command", "name", "account.deposit", "dry", "yes")...)
		return body
	}
	s.has("/run", "account.deposit")
	if body := dry("id", "alice", "input.amount", "7"); !strings.Contains(body, "would be done") || !strings.Contains(body, "was 5") || !strings.Contains(body, "&#34;balance&#34;: 12") || !strings.Contains(body, "ACCOUNTS:DEPOSITED") {
		t.Error(body)
	}
	if body := dry("id", "bob", "input.amount", "7"); !strings.Contains(body, "line added") {
		t.Error(body)
	}
	if body := dry("id", "alice", "input.amount", "0"); !strings.Contains(body, "would be refused with 422") {
		t.Error(body)
	}
	if body := dry("id", "alice", "input.amount", "x"); !strings.Contains(body, "is no number") {
		t.Error(body)
	}
	if s.balance("alice") != 5 || s.balance("bob") != 0 || strings.Contains(s.log.String(), "audit") {
		t.Errorf("something was kept: %s", s.log)
	}
}

// The snapshot that an entity is loaded with is told.
func TestSnapshotsAreShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 1)
	s.has("/entity?type=account&id=alice", "None yet; one is made about every 100 events.")
	for range 110 {
		s.deposit("alice", 1)
	}
	s.eventually(func() bool { return strings.Contains(s.page("/entity?type=account&id=alice"), "loads begin with it") })
}
