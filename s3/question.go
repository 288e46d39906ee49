package s3

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"

	"github.com/thingpass/thingpass/upstream"
)

// question asks an engine for a document that a decision needs, rather than the
// client, and reads it into out. found is false when there is no such thing, or
// the engine has none of the sort.
func question(ctx context.Context, e *upstream.Engine, q *upstream.Request, out any) (found bool, err error) {
	a, err := e.Send(ctx, q)
	if err != nil {
		return false, errEngineDown(err)
	}
	defer a.Close()
	switch a.Status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return false, nil
	default:
		answered := upstream.ReadFailure(a)
		if a.Close(); answered.Ours() || answered.Denied() {
			e.Refused(ctx, answered)
		}
		return false, errEngineDown(fmt.Errorf("the engine answered %d to a question for %s", a.Status, q.Query))
	}
	if err := xml.NewDecoder(io.LimitReader(a, maxConfiguration)).Decode(out); err != nil {
		return false, errEngineDown(err)
	}
	return true, nil
}
