package registry

import "encoding/json"

// kept is the form in which a Fault is stored.
type kept struct {
	Code    Code    `json:"code"`
	Message string  `json:"message"`
	Status  int     `json:"status,omitempty"`
	Fields  []Field `json:"fields,omitempty"`
	Cause   string  `json:"cause,omitempty"`
	Final   bool    `json:"final,omitempty"`
	Entity  string  `json:"entity,omitempty"`
}

// Keep writes a fault for the store.
func (f *Fault) Keep() []byte {
	k := kept{Code: f.Code, Message: f.Message, Status: f.Status, Fields: f.Fields, Final: f.Final, Entity: f.Entity}
	if f.Cause != nil {
		k.Cause = f.Cause.Error()
	}
	data, err := json.Marshal(k)
	if err != nil { // such as text that is no text
		return []byte(`{"code":"internal","message":"a failure that could not be written"}`)
	}
	return data
}

// KeptFault reads what Keep wrote.
func KeptFault(data []byte) *Fault {
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return Faultf(Internal, "an unexpected failure").Because(err)
	}
	f := &Fault{Code: k.Code, Message: k.Message, Status: k.Status, Fields: k.Fields, Final: k.Final, Logged: true, Entity: k.Entity}
	if k.Cause != "" {
		f.Cause = keptCause(k.Cause)
	}
	return f
}

type keptCause string

func (c keptCause) Error() string { return string(c) }

// No tells whether a fault is an answer, which trying again does not change.
func (f *Fault) No() bool {
	return f.Final || f.Code == Rejected || f.Code == Taken || f.Code == Invalid || f.Code == NotFound || f.Code == Gone
}
