package talixtest_test

import (
	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

// Invited is an event whose field Guest was called Name when the file was
// written.
type Invited struct {
	Guest string `json:"guest,omitzero"`
}

func (e Invited) Apply(*Guest, talix.Meta) {}

func ExampleCompatible() {
	t := &printer{} // a test has its *testing.T

	guests := talix.NewEntity("guest", talix.Event[Invited]("BAR:GUEST_INVITED"))
	talixtest.Compatible(t, "testdata/guests.json", talix.Service{Name: "bar", Components: talix.Components{guests}})
	// Output:
	// event "BAR:GUEST_INVITED" of entity "guest": the field "name" (string) is gone.
	// What is stored stays as it is, so keep how it was and say what it is by now; the event then has version 2:
	//
	// 	type invitedV1 struct {
	// 		Name string `json:"name"`
	// 	}
	//
	// 	talix.Event[Invited]("BAR:GUEST_INVITED",
	// 		talix.Was(func(old invitedV1) Invited {
	// 			return Invited{…}
	// 		}))
}
