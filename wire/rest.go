package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DecodeREST fills the struct that v points to from a REST-JSON request. Where
// a field comes from is said by its tag: `uri:"x"` (a label of the route),
// `query:"x"`, `header:"x"`, or `json:"x"` (a member of the body); embedded
// structs are looked into. Fields from the URL and headers are string, int64,
// bool, a pointer to one of them, or []string (a repeated query parameter);
// what is absent stays as it was. Unknown members are ignored, as AWS does.
// Every refusal is an *Error with code SerializationException and status 400.
func DecodeREST(r *http.Request, body []byte, labels map[string]string, v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode a request into %T: not a pointer to a struct", v)
	}
	d := restDecoder{labels: labels, header: r.Header}
	var err error
	if d.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return serialization("The query string is not well formed.")
	}
	if len(bytes.TrimSpace(body)) > 0 {
		// encoding/json would replace what is not UTF-8 and go on.
		if !utf8.Valid(body) {
			return serialization("The request body is not UTF-8.")
		}
		if bytes.HasPrefix(body, []byte("\ufeff")) {
			return serialization("The request body begins with a byte order mark (U+FEFF), which is no JSON.")
		}
		if err := json.Unmarshal(body, &d.members); err != nil {
			return serialization("The request body is not a JSON object.")
		}
	}
	return d.decode(target.Elem())
}

func serialization(format string, args ...any) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "SerializationException",
		Message: fmt.Sprintf(format, args...),
	}
}

type restDecoder struct {
	labels  map[string]string
	query   url.Values
	header  http.Header
	members map[string]json.RawMessage
}

func (d *restDecoder) decode(v reflect.Value) error {
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		if field.Anonymous && f.Kind() == reflect.Struct {
			if err := d.decode(f); err != nil {
				return err
			}
			continue
		}
		if !field.IsExported() {
			continue
		}
		if err := d.field(field.Tag, f); err != nil {
			return err
		}
	}
	return nil
}

func (d *restDecoder) field(tag reflect.StructTag, f reflect.Value) error {
	name, texts := "", []string(nil)
	if n, ok := tag.Lookup("uri"); ok {
		name = n
		if text, ok := d.labels[n]; ok {
			texts = []string{text}
		}
	} else if n, ok := tag.Lookup("query"); ok {
		name, texts = n, d.query[n]
	} else if n, ok := tag.Lookup("header"); ok {
		name, texts = n, d.header.Values(n)
	} else {
		return d.member(tag, f)
	}
	if len(texts) == 0 {
		return nil
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return serialization("The value of %s is not UTF-8.", name)
		}
	}
	if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String {
		list := reflect.MakeSlice(f.Type(), len(texts), len(texts))
		for i, text := range texts {
			list.Index(i).SetString(text)
		}
		f.Set(list)
		return nil
	}
	if len(texts) > 1 {
		return serialization("The value of %s is given more than once.", name)
	}
	if err := setScalar(f, texts[0]); err != nil {
		return serialization("The value of %s %v.", name, err)
	}
	return nil
}

// member reads one member of the body. Members are found by their exact name;
// encoding/json alone would also take other cases of it, and fields that
// belong to the URL.
func (d *restDecoder) member(tag reflect.StructTag, f reflect.Value) error {
	name, _, _ := strings.Cut(tag.Get("json"), ",")
	if name == "" || name == "-" {
		return nil
	}
	raw, ok := d.members[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, f.Addr().Interface()); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			if wrong.Field != "" {
				name += "." + wrong.Field
			}
			return serialization("The value of %s is a %s where %s is expected.", name, wrong.Value, kindName(wrong.Type))
		}
		return serialization("The value of %s is not of the expected type.", name)
	}
	return nil
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.Int64:
		return "an integer"
	case reflect.Bool:
		return "a boolean"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a string"
	}
}

// setScalar parses text into a string, int64 or bool, or a new one of them
// behind a pointer. Its errors read on from "The value of x …".
func setScalar(f reflect.Value, text string) error {
	if f.Kind() == reflect.Pointer {
		fresh := reflect.New(f.Type().Elem())
		if err := setScalar(fresh.Elem(), text); err != nil {
			return err
		}
		f.Set(fresh)
		return nil
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(text)
	case reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errors.New("is not an integer")
		}
		f.SetInt(n)
	case reflect.Bool:
		if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
			return errors.New("is not a boolean")
		}
		f.SetBool(strings.EqualFold(text, "true"))
	default:
		return fmt.Errorf("cannot be put into a %s", f.Type())
	}
	return nil
}

// EncodeREST answers 200 with v as JSON, and with the string fields of v that
// are tagged `header:"x" json:"-"` as headers, when not empty. nil is an
// answer without members. The error is one of encoding or of the connection.
func EncodeREST(w http.ResponseWriter, v any) error {
	body := []byte("{}")
	if target := reflect.Indirect(reflect.ValueOf(v)); target.IsValid() {
		if target.Kind() == reflect.Struct {
			setHeaders(w.Header(), target)
		}
		var err error
		if body, err = marshal(v); err != nil {
			return fmt.Errorf("encode an answer: %w", err)
		}
	}
	return write(w, http.StatusOK, "application/json", body)
}

func setHeaders(h http.Header, v reflect.Value) {
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		if field.Anonymous && f.Kind() == reflect.Struct {
			setHeaders(h, f)
		} else if name, ok := field.Tag.Lookup("header"); ok && f.Kind() == reflect.String && f.String() != "" {
			h.Set(name, f.String())
		}
	}
}

// marshal is json.Marshal without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// write answers in one piece. Statuses that have no body get none; net/http
// itself leaves out the body of the answer to a HEAD request.
func write(w http.ResponseWriter, status int, contentType string, body []byte) error {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return nil
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	return nil
}
