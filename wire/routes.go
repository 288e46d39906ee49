package wire

import (
	"net/http"
	"net/url"
	"strings"
)

// Routes finds what a method and a path stand for. Paths are compared as they
// were sent, segment by segment: nothing is cleaned, and a label is
// percent-decoded once after splitting, so that an ARN with an encoded slash
// stays one label. http.ServeMux cannot do this: it redirects "//" and "/../".
// The zero value has no routes. Add everything before the first Match.
type Routes[T any] struct{ root routeNode[T] }

type routeNode[T any] struct {
	literals map[string]*routeNode[T]
	label    *routeNode[T]
	methods  map[string]route[T]
}

type route[T any] struct {
	value  T
	labels []string // names, in the order of the path
}

// Add registers value for a method and a path template such as
// "/role-aliases/{roleAlias}". It panics when the template does not begin with
// a slash or the route is taken: both are mistakes in a table of operations.
func (rs *Routes[T]) Add(method, template string, value T) {
	rest, ok := strings.CutPrefix(template, "/")
	if !ok {
		panic("wire: route template without a leading slash: " + template)
	}
	n := &rs.root
	var labels []string
	for segment := range strings.SplitSeq(rest, "/") {
		if name, ok := labelName(segment); ok {
			labels = append(labels, name)
			if n.label == nil {
				n.label = &routeNode[T]{}
			}
			n = n.label
			continue
		}
		if n.literals == nil {
			n.literals = map[string]*routeNode[T]{}
		}
		if n.literals[segment] == nil {
			n.literals[segment] = &routeNode[T]{}
		}
		n = n.literals[segment]
	}
	if _, taken := n.methods[method]; taken {
		panic("wire: route is taken: " + method + " " + template)
	}
	if n.methods == nil {
		n.methods = map[string]route[T]{}
	}
	n.methods[method] = route[T]{value, labels}
}

func labelName(segment string) (string, bool) {
	if len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}' {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

// Match finds the route of a request. Literal segments beat labels; a label is
// never empty. labels is nil when the route has none.
func (rs *Routes[T]) Match(r *http.Request) (value T, labels map[string]string, ok bool) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/")
	if !ok {
		return value, nil, false
	}
	found, texts, ok := rs.root.find(r.Method, rest, nil)
	if !ok {
		return value, nil, false
	}
	for i, name := range found.labels {
		text, err := url.PathUnescape(texts[i])
		if err != nil {
			return value, nil, false
		}
		if labels == nil {
			labels = make(map[string]string, len(found.labels))
		}
		labels[name] = text
	}
	return found.value, labels, true
}

// find walks down one segment at a time. It is as deep as the longest
// template, however long the path is.
func (n *routeNode[T]) find(method, rest string, texts []string) (route[T], []string, bool) {
	segment, rest, more := strings.Cut(rest, "/")
	for _, child := range [...]*routeNode[T]{n.literals[segment], n.label} {
		if child == nil {
			continue
		}
		found := texts
		if child == n.label {
			if segment == "" {
				continue
			}
			found = append(texts[:len(texts):len(texts)], segment)
		}
		if more {
			if r, all, ok := child.find(method, rest, found); ok {
				return r, all, true
			}
		} else if r, ok := child.methods[method]; ok {
			return r, found, true
		}
	}
	return route[T]{}, nil, false
}
