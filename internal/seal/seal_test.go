package seal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/vault"
)

type embedded struct {
	Phone string `json:"phone,omitempty" personal:"true"`
}

type person struct {
	embedded
	ID    string                 `json:"id" subject:"true"`
	Name  string                 `personal:"true"`
	Age   int                    `json:"age" personal:"true"`
	Tags  []string               `json:"tags" personal:"true"`
	Home  *struct{ City string } `json:"home" personal:"true"`
	Note  string                 `json:"note"`
	Kids  []child                `json:"kids"`
	Other map[string]friend      `json:"other"`
}

type child struct {
	Name string `json:"name" personal:"true"`
}

type friend struct {
	ID   int    `json:"id" subject:"true"`
	Nick string `json:"nick" personal:"true"`
}

const someone = `{"phone":"0123-secret","id":"ann","Name":"secret \"Ann\" ü","age":41414141,"tags":["secret"],"home":{"City":"secret"},` +
	`"note":"plain","kids":[{"name":"secret kid"},{"name":null}],"other":{"a":{"id":7,"nick":"secret nick"}}}`

func TestSealHidesWhatIsPersonal(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	p := plan[person](t)
	sealed := f.seal(p, someone, "no one")
	for _, hidden := range []string{"secret", "41414141"} {
		if strings.Contains(sealed, hidden) {
			t.Errorf("%q stands in %s", hidden, sealed)
		}
	}
	if !strings.Contains(sealed, `"note":"plain"`) || !strings.Contains(sealed, `"name":null`) || !json.Valid([]byte(sealed)) {
		t.Errorf("what is not personal was hidden: %s", sealed)
	}
	if again := f.seal(p, someone, "no one"); again == sealed {
		t.Error("the same document is sealed to the same bytes, so that one can guess")
	}
	if opened := f.open(sealed); opened != someone {
		t.Errorf("it came back as %s", opened)
	}
}

func TestErasedValuesAreNull(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	sealed := f.seal(plan[person](t), someone, "no one")
	f.erase("7")
	if opened := f.open(sealed); opened != strings.Replace(someone, `"secret nick"`, "null", 1) {
		t.Errorf("after the friend was erased it is %s", opened)
	}
	f.erase("no one")
	f.erase("ann")
	opened := f.open(sealed)
	if strings.Contains(opened, "secret") {
		t.Errorf("something is left: %s", opened)
	}
	var back person
	if err := json.Unmarshal([]byte(opened), &back); err != nil || back.Name != "" || back.Age != 0 || back.Home != nil || back.Note != "plain" || back.ID != "ann" {
		t.Errorf("the reader sees %+v, %v", back, err)
	}
}

func TestSealRefusesErasedSubjects(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	p := plan[person](t)
	f.seal(p, someone, "")
	f.erase("ann")
	_, err := f.box.Seal(t.Context(), seal.Doc{Data: []byte(someone), Plan: p})
	var fault *registry.Fault
	if !errors.Is(err, vault.ErrErased) || !errors.As(err, &fault) || fault.Code != registry.Rejected || fault.Status != 410 || !fault.Final {
		t.Errorf("it was sealed, or failed with %v", err)
	}
	if got := f.seal(p, `{"id":"ann","Name":null,"note":"x"}`, ""); got != `{"id":"ann","Name":null,"note":"x"}` {
		t.Errorf("what has nothing personal became %s", got)
	}
}

func TestSealRefusesEmptySubjects(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	for _, data := range []string{`{"id":"","Name":"x"}`, `{"Name":"x"}`, `{"id":null,"Name":"x"}`, `{"id":"ann","ID":"","Name":"x"}`} {
		_, err := f.box.Seal(t.Context(), seal.Doc{Data: []byte(data), Plan: plan[person](t), Of: "entity"})
		if err == nil || !strings.Contains(err.Error(), "person.Name is personal, but its subject is empty") {
			t.Errorf("%s: %v", data, err)
		}
	}
	if _, err := f.box.Seal(t.Context(), seal.Doc{Data: []byte("\x00no JSON"), Plan: plan[person](t)}); err == nil {
		t.Error("what is no JSON was sealed")
	}
}

// What comes from outside is not as package json would write it.
func TestSealFindsMembersAsJSONDoes(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	data := "{ \"ID\" : \"ann\",\n\t\"N\\u0061me\":\"secret\", \"NAME\" :\"secret 2\" , \"kids\":[ {\"Name\" : \"secret 3\"} ] , \"other\":{} }"
	sealed := f.seal(plan[person](t), data, "")
	if strings.Contains(sealed, "secret") {
		t.Errorf("something is left: %s", sealed)
	}
	if opened := f.open(sealed); opened != data {
		t.Errorf("it came back as %s", opened)
	}
}

func TestOpenRefusesWhatWasMoved(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	sealed := f.seal(plan[person](t), someone, "x")
	if _, err := f.box.Open(t.Context(), []byte(sealed), "elsewhere"); err == nil {
		t.Error("it was opened elsewhere")
	}
	if _, err := setUp(t).box.Open(t.Context(), []byte(sealed), "here"); err == nil || !strings.Contains(err.Error(), "put the right keys back") {
		t.Errorf("another vault opened it: %v", err)
	}
}

// A vault that is away fails what needs it, and nothing else.
func TestVaultAway(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	p := plan[person](t)
	sealed := f.seal(p, someone, "x")
	f.box.Forget(f.box.Name("ann"))
	if err := f.vault.Close(); err != nil {
		t.Fatal(err)
	}
	var fault *registry.Fault
	_, err := f.box.Open(t.Context(), []byte(sealed), "here")
	if !errors.As(err, &fault) || fault.Code != registry.Unavailable {
		t.Errorf("Open failed with %v", err)
	}
	plain, bad := &seal.Doc{Data: []byte(`{"note":"x"}`), Plan: p}, &seal.Doc{Data: []byte(someone), Plan: p}
	errs := f.box.SealAll(t.Context(), []*seal.Doc{plain, bad})
	if errs[0] != nil || !errors.As(errs[1], &fault) || fault.Code != registry.Unavailable {
		t.Errorf("SealAll failed with %v", errs)
	}
}

// slow is a vault that reads keys, and answers when it is told to.
type slow struct {
	vault.Vault
	found, answer chan struct{}
}

func (s slow) Make(ctx context.Context, names []vault.Name) ([]vault.Key, error) {
	keys, err := s.Vault.Make(ctx, names)
	s.found <- struct{}{}
	<-s.answer
	return keys, err
}

// Who asked for a key before its erasure does not leave it to those who come
// after.
func TestForgetHoldsForKeysUnderWay(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	s := slow{f.vault, make(chan struct{}), make(chan struct{})}
	f.box = seal.New(s, 0)
	done := make(chan error)
	go func() {
		_, err := f.box.Seal(t.Context(), seal.Doc{Data: []byte(someone), Plan: plan[person](t)})
		done <- err
	}()
	<-s.found
	for _, who := range []string{"ann", "7"} {
		f.erase(who)
	}
	s.answer <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	go func() {
		<-s.found
		s.answer <- struct{}{}
	}()
	if _, err := f.box.Seal(t.Context(), seal.Doc{Data: []byte(someone), Plan: plan[person](t)}); !errors.Is(err, vault.ErrErased) {
		t.Errorf("the key is used after the erasure: %v", err)
	}
}

func TestBoxRemembersFewKeys(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	f.box = seal.New(f.vault, 2)
	p := plan[child](t)
	var sealed []string
	for _, who := range []string{"a", "b", "c", "d", "a"} {
		sealed = append(sealed, f.seal(p, `{"name":"x"}`, who))
	}
	for _, s := range sealed {
		if f.open(s) != `{"name":"x"}` {
			t.Error("a key was lost")
		}
	}
}

// FuzzSeal: whatever a document holds, it comes back byte for byte, and what is
// personal does not stand in what is stored.
func FuzzSeal(f *testing.F) {
	for _, s := range []string{"x", `{"$sealed":"v1.`, `{"$$sealed":`, `{"$sealed":"v1.AAAAAAAAAAAAAAAAAAAAAA.AAAA"}`, `"}`, `{"$personal":{"of":"ann","is":1}}`, `{"$`, `{"$$`} {
		f.Add(s, `{"a":`+`{"$sealed":1}}`, "name of someone")
		f.Add("k", `[{"$sealed":"v1.`+strings.Repeat("A", 22)+`.`+strings.Repeat("A", 60)+`"}]`, s+"................")
	}
	type doc struct {
		Free   json.RawMessage   `json:"free"`
		Hidden string            `json:"$sealed" personal:"true"`
		Texts  map[string]string `json:"texts"`
		More   struct {
			Hidden json.RawMessage `json:"hidden" personal:"true"`
		} `json:"more"`
	}
	p := plan[doc](f)
	f.Fuzz(func(t *testing.T, text, raw, hidden string) {
		x := setUp(t)
		d := doc{Hidden: hidden, Texts: map[string]string{text: text, hidden[:len(hidden)/2]: "x"}}
		if json.Valid([]byte(raw)) {
			d.Free, d.More.Hidden = json.RawMessage(raw), json.RawMessage(raw)
		}
		data, err := json.Marshal(d)
		if err != nil {
			t.Skip()
		}
		for _, p := range []*seal.Plan{p, nil} {
			sealed, err := x.box.Seal(t.Context(), seal.Doc{Data: data, Plan: p, Of: "ann"})
			if err != nil {
				t.Fatal(err)
			}
			value, _ := json.Marshal(hidden)
			if p != nil && len(hidden) > 12 && !bytes.Contains([]byte(raw+text+`{"$sealed":`), value[1:len(value)-1]) && bytes.Contains(sealed, value) {
				t.Errorf("%s stands in %s", value, sealed)
			}
			opened, err := x.box.Open(t.Context(), sealed, "")
			if err != nil || !bytes.Equal(opened, data) {
				t.Errorf("%s was sealed as %s and came back as %s, %v", data, sealed, opened, err)
			}
		}
	})
}
