package guide

import (
	"strings"

	"github.com/talix-dev/talix"
)

type User struct{ Email string }

type Registered struct{ Email string }

func (e Registered) Apply(u *User, _ talix.Meta) { u.Email = e.Email }

var Users = talix.NewEntity("user", talix.Event[Registered]("USERS:REGISTERED"))

type Input struct{ Email string }

type Output struct{ ID string }

var Emails = talix.NewUnique("emails", strings.ToLower)

// Phones holds what no file may tell.
var Phones = talix.NewUnique("phones", strings.TrimSpace).Personal()

var Register = talix.NewCommand(Users, "register",
	func(c talix.CommandContext[User], in Input) (Output, error) {
		if err := Emails.Reserve(c, in.Email); err != nil {
			return Output{}, err // talix.ErrTaken, if someone has it
		}
		c.Emit(Registered{Email: in.Email})
		return Output{ID: c.ID()}, nil
	})
