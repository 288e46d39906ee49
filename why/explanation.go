package why

import (
	"encoding/json"
	"time"
)

// The outcomes.
const (
	Allowed = "allowed" // and carried out
	Denied  = "denied"  // a step refused it
	Failed  = "failed"  // allowed, but the operation ended with an error; or nothing that the server answers
)

// Explanation is a decision told to a person. Its JSON shape is stable: fields
// may be added, and none changes its meaning.
type Explanation struct {
	RequestID    string      `json:"requestId,omitempty"` // "" for a hypothetical request
	Hypothetical bool        `json:"hypothetical"`        // nobody sent it: it was asked
	Time         time.Time   `json:"time"`
	Outcome      string      `json:"outcome"` // Allowed, Denied or Failed
	Door         string      `json:"door"`    // "device" or "api"
	Operation    string      `json:"operation,omitempty"`
	Action       string      `json:"action,omitempty"`
	Resource     string      `json:"resource,omitempty"`
	Alias        string      `json:"alias,omitempty"`       // role alias that the device asked for, or that its session came through
	Certificate  string      `json:"certificate,omitempty"` // id of the device's certificate
	Principal    string      `json:"principal,omitempty"`   // ARN, or certificate id at the device door
	Remote       string      `json:"remote,omitempty"`
	Status       int         `json:"status,omitempty"` // of the answer
	Code         string      `json:"code,omitempty"`
	Message      string      `json:"message,omitempty"`    // of the error, as the caller was told
	Cause        string      `json:"cause,omitempty"`      // a word of package trail, where the code does not tell
	Reason       string      `json:"reason,omitempty"`     // of the error, what only the log has
	Engine       string      `json:"engine,omitempty"`     // S3 engine that has the bucket; none for the embedded store
	Summary      string      `json:"summary"`              // why, in one sentence
	FailedStep   string      `json:"failedStep,omitempty"` // name of one of Steps
	Steps        []Step      `json:"steps"`
	Statements   []Statement `json:"statements"`      // those that decided or came near, at most MaxStatements
	Others       int         `json:"otherStatements"` // how many more there are in the same policies
	Changes      []Change    `json:"changes"`         // what would flip the answer; all of them are needed unless they say so
	Now          string      `json:"now,omitempty"`   // what the same question answers at present
}

// MaxStatements is how many statements an explanation tells about.
const MaxStatements = 4

// Step is one fact on the way of a request.
type Step struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// Statement is one statement of a policy and what it said.
type Statement struct {
	Layer    string    `json:"layer"`  // kind of policy, for example "identity-based policy"
	Policy   string    `json:"policy"` // its name or ARN
	Number   int       `json:"number"` // from 1
	Sid      string    `json:"sid,omitempty"`
	Effect   string    `json:"effect"`  // Allow or Deny
	Applies  bool      `json:"applies"` // all of it fits the request
	Elements []Element `json:"elements"`
}

// Element is a part of a statement.
type Element struct {
	Name  string   `json:"name"` // Action, NotAction, Resource, NotResource, Principal, NotPrincipal or Condition
	Fits  bool     `json:"fits"`
	Text  string   `json:"text"`            // as written
	Notes []string `json:"notes,omitempty"` // values of its variables, and what differs
}

// Change is something that would flip the answer, or help to.
type Change struct {
	Text      string          `json:"text"`
	Command   string          `json:"command,omitempty"`   // to type as it stands, but for words in capitals
	Statement json.RawMessage `json:"statement,omitempty"` // to add to a policy
	Document  json.RawMessage `json:"document,omitempty"`  // a whole policy, where there is none to add to
	Policy    string          `json:"policy,omitempty"`    // the policy that Statement belongs into, or "NEW"
}
