package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a parameter name (a.b.c is three).
const maxDepth = 10

// DecodeQuery fills the struct that v points to from the form of a Query
// request. The name of a member is the name of its field, or that of a tag
// `query:"Name"`. Fields are string, int64, bool, a pointer to one of them, a
// struct or pointer to one (X.Y), or a slice of strings or structs
// (X.member.N, numbered from 1 without gaps; "X=" is an empty list); embedded
// structs are looked into. Unknown members are ignored, as AWS does.
//
// A name given twice, a name both of a value and of a structure, and a list
// with gaps are refused as MalformedInput; a value of the wrong type as
// ValidationError; both are *Error with status 400.
func DecodeQuery(form url.Values, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode a form into %T: not a pointer to a struct", v)
	}
	root := &formNode{}
	for name, texts := range form {
		if err := root.add(name, texts); err != nil {
			return err
		}
	}
	return root.structure(target.Elem(), "")
}

func malformed(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "MalformedInput", Message: fmt.Sprintf(format, args...)}
}

// formNode is a form as a tree of its dotted names. It is never larger than
// the form itself, whatever numbers stand in the names.
type formNode struct {
	text     *string
	children map[string]*formNode
}

func (n *formNode) add(name string, texts []string) error {
	if len(texts) != 1 {
		return malformed("The parameter %.128q is given more than once.", name)
	}
	if !utf8.ValidString(name) || !utf8.ValidString(texts[0]) {
		return malformed("The parameter %.128q is not UTF-8.", name)
	}
	if strings.Count(name, ".") >= maxDepth {
		return malformed("The parameter %.128q is nested too deep.", name)
	}
	for part := range strings.SplitSeq(name, ".") {
		if n.children == nil {
			n.children = map[string]*formNode{}
		}
		if n.children[part] == nil {
			n.children[part] = &formNode{}
		}
		n = n.children[part]
	}
	n.text = &texts[0]
	return nil
}

func (n *formNode) structure(v reflect.Value, prefix string) error {
	if n.text != nil && *n.text != "" {
		return malformed("The parameter %.128q is not a structure.", prefix)
	}
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		if field.Anonymous && f.Kind() == reflect.Struct {
			if err := n.structure(f, prefix); err != nil {
				return err
			}
			continue
		}
		name, _ := memberName(field)
		child := n.children[name]
		if child == nil || !field.IsExported() {
			continue
		}
		if err := child.value(f, prefix+name); err != nil {
			return err
		}
	}
	return nil
}

// memberName is the name of a field on the wire, and whether it is left out
// when empty.
func memberName(field reflect.StructField) (name string, omitEmpty bool) {
	name, option, _ := strings.Cut(field.Tag.Get("query"), ",")
	if name == "" {
		name = field.Name
	}
	return name, option == "omitempty"
}

func (n *formNode) value(f reflect.Value, name string) error {
	switch {
	case f.Kind() == reflect.Struct:
		return n.structure(f, name+".")
	case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct:
		f.Set(reflect.New(f.Type().Elem()))
		return n.structure(f.Elem(), name+".")
	case f.Kind() == reflect.Slice:
		return n.list(f, name)
	case n.text == nil || len(n.children) > 0:
		return malformed("The parameter %.128q is not a value.", name)
	}
	if err := setScalar(f, *n.text); err != nil {
		return &Error{
			Status:  http.StatusBadRequest,
			Code:    "ValidationError",
			Message: fmt.Sprintf("The value of %s %v.", name, err),
		}
	}
	return nil
}

func (n *formNode) list(f reflect.Value, name string) error {
	members := n.children["member"]
	if n.text != nil && *n.text != "" || len(n.children) > 1 || len(n.children) == 1 && members == nil {
		return malformed("The parameter %.128q is not a list of the form %.128s.member.N.", name, name)
	}
	if members == nil {
		f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		return nil
	}
	list := reflect.MakeSlice(f.Type(), len(members.children), len(members.children))
	for i := range list.Len() {
		at := name + ".member." + strconv.Itoa(i+1)
		child := members.children[strconv.Itoa(i+1)]
		if child == nil {
			return malformed("The parameter %.128q is missing: lists are numbered from 1 without gaps.", at)
		}
		if err := child.value(list.Index(i), at); err != nil {
			return err
		}
	}
	if members.text != nil {
		return malformed("The parameter %.128q is not a value.", name+".member")
	}
	f.Set(list)
	return nil
}
