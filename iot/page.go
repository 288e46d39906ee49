package iot

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/thingpass/thingpass"
)

// Sizes of a page (API reference: "The result page size", 1 to 250; what is
// given when none is asked for).
const (
	maxPage     = 250
	defaultPage = 25
)

// markerPage is how the older lists are paged.
type markerPage struct {
	PageSize *int64  `query:"pageSize"`
	Marker   *string `query:"marker"`
}

// orderedPage is a markerPage that can be turned round. Lists are ordered by
// name, certificates by id, ascending unless isAscendingOrder=false is sent.
// AWS orders policies and certificates by when they were created, the newest
// first; here every list has the one order that its marker continues.
type orderedPage struct {
	markerPage
	Ascending *bool `query:"isAscendingOrder"`
}

// tokenPage is how the newer lists are paged.
type tokenPage struct {
	MaxResults *int64  `query:"maxResults"`
	NextToken  *string `query:"nextToken"`
}

// page checks the members and says what to ask the store for: one item more
// than fits, to learn whether there are more.
func (p *markerPage) page(c *check) thingpass.Page {
	return newPage(c, pageMember{"pageSize", p.PageSize}, "marker", p.Marker)
}

func (p *orderedPage) page(c *check) thingpass.Page {
	page := p.markerPage.page(c)
	page.Descending = p.Ascending != nil && !*p.Ascending
	return page
}

func (p *tokenPage) page(c *check) thingpass.Page {
	return newPage(c, pageMember{"maxResults", p.MaxResults}, "nextToken", p.NextToken)
}

type pageMember struct {
	name string
	size *int64
}

func newPage(c *check, size pageMember, member string, marker *string) thingpass.Page {
	page := thingpass.Page{Limit: defaultPage + 1}
	c.number(size.name, size.size, 1, maxPage)
	if size.size != nil {
		page.Limit = int(min(*size.size, maxPage)) + 1
	}
	if marker == nil {
		return page
	}
	before := len(c.problems)
	c.text(member, *marker, markerRule)
	if len(c.problems) > before {
		return page
	}
	name, err := base64.StdEncoding.DecodeString(*marker)
	if err != nil || len(name) == 0 || !utf8.Valid(name) {
		c.fail("'"+*marker+"'", member, "Member must be a marker that an earlier page ended with")
	}
	page.After = string(name)
	return page
}

// cut turns what the store gave into one page and the marker of the next one,
// "" when there is none. A marker is the last name of a page: it stays good
// when that item is gone.
func cut[T any](items []T, page thingpass.Page, name func(T) string) ([]T, string) {
	if len(items) < page.Limit {
		return items, ""
	}
	items = items[:page.Limit-1]
	return items, base64.StdEncoding.EncodeToString([]byte(name(items[len(items)-1])))
}

// each makes the list of an answer, which is never null.
func each[T, U any](items []T, f func(T) U) []U {
	list := make([]U, len(items))
	for i, item := range items {
		list[i] = f(item)
	}
	return list
}

func same(s string) string { return s }
