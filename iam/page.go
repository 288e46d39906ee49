package iam

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/thingpass/thingpass"
)

// Sizes of a page (API reference, "MaxItems").
const (
	maxPage     = 1000
	defaultPage = 100
)

// pageInput is how every list is paged.
type pageInput struct {
	Marker   *string
	MaxItems *int64
}

// pageOutput says whether a list goes on, and how to ask for the rest.
type pageOutput struct {
	IsTruncated bool
	Marker      string `query:",omitempty"`
}

// page checks the members and says what to ask the store for: one item more
// than fits, to learn whether there are more.
func (in *pageInput) page(c *check) thingpass.Page {
	p := thingpass.Page{Limit: defaultPage + 1}
	c.number("maxItems", in.MaxItems, 1, maxPage)
	if in.MaxItems != nil {
		p.Limit = int(min(*in.MaxItems, maxPage)) + 1
	}
	if in.Marker == nil {
		return p
	}
	before := len(c.problems)
	marker := c.optional("marker", in.Marker, markerRule)
	after, err := base64.StdEncoding.DecodeString(marker)
	if len(c.problems) == before && (err != nil || len(after) == 0) {
		c.fail("'"+marker+"'", "marker", "Member must be the Marker that an earlier page ended with")
	}
	p.After = string(after)
	return p
}

// cut turns what the store gave into one page. A marker is the last name of a
// page: it stays good when that item is gone.
func cut[T any](items []T, p thingpass.Page, name func(T) string) ([]T, pageOutput) {
	if len(items) < p.Limit {
		return items, pageOutput{}
	}
	items = items[:p.Limit-1]
	last := name(items[len(items)-1])
	return items, pageOutput{IsTruncated: true, Marker: base64.StdEncoding.EncodeToString([]byte(last))}
}

// pageOf is cut for a short list that is at hand as a whole. It orders the list
// by name.
func pageOf[T any](items []T, p thingpass.Page, name func(T) string) ([]T, pageOutput) {
	rest := slices.DeleteFunc(slices.Clone(items), func(item T) bool { return name(item) <= p.After })
	slices.SortFunc(rest, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return cut(rest[:min(len(rest), p.Limit)], p, name)
}
