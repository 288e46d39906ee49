package s3

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/thingpass/thingpass/gate"
)

// ahead reads the tags of many objects of an engine at once, as soon as a policy
// wants to know those of one: one after the other, a thousand would take longer
// than clients wait.
type ahead struct {
	s     *service
	once  sync.Once
	all   []*target
	found map[name]answeredTags
}

// name is an object or a version of it.
type name struct{ key, version string }

type answeredTags struct {
	keys map[string]string
	err  error
}

// maxAhead is how many objects are asked for at a time.
const maxAhead = 32

func (f *forwarding) readAhead(entries []deleteEntry) *ahead {
	a := &ahead{s: f.s}
	for _, entry := range entries {
		a.all = append(a.all, entry.target(f.exchange))
	}
	return a
}

// late are the condition keys of existingTags.
func (a *ahead) late(t *target) *gate.Late {
	late := a.s.existingTags(t)
	late.Keys = func(ctx context.Context) (map[string]string, error) {
		a.once.Do(func() { a.read(ctx) })
		answered, ok := a.found[name{t.key, t.version()}]
		if !ok { // no tags and unknown tags are two things
			return nil, errAccessDenied()
		}
		return answered.keys, answered.err
	}
	return late
}

func (a *ahead) read(ctx context.Context) {
	answers := make([]answeredTags, len(a.all))
	var group errgroup.Group
	group.SetLimit(maxAhead)
	for i, t := range a.all {
		if t.key == "" || checkKey(t.key) != nil {
			continue // which is refused without being asked about
		}
		group.Go(func() error {
			answers[i].keys, answers[i].err = a.s.existingTags(t).Keys(ctx)
			return nil
		})
	}
	_ = group.Wait() // no function fails
	a.found = make(map[name]answeredTags, len(answers))
	for i, t := range a.all {
		if answers[i].keys != nil || answers[i].err != nil {
			a.found[name{t.key, t.version()}] = answers[i]
		}
	}
}
