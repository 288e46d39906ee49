package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// Action names the operation that a Query answer belongs to.
type Action struct{ Name, Namespace, RequestID string }

// EncodeQuery answers 200 with <NameResponse><NameResult>…</NameResult> and
// the request id. result is a struct, a pointer to one, or nil for an
// operation without a result. Its fields are written in their order, named as
// in DecodeQuery: lists as <member> elements and also when empty, times as
// ISO 8601 in UTC to the second, nil pointers not at all, and empty values not
// at all when the tag says `query:",omitempty"`.
func EncodeQuery(w http.ResponseWriter, a Action, result any) error {
	var b xmlBuffer
	b.WriteString("<" + a.Name + "Response" + xmlns(a.Namespace) + ">")
	if v := reflect.Indirect(reflect.ValueOf(result)); v.IsValid() {
		b.open(a.Name + "Result")
		if err := b.structure(v); err != nil {
			return fmt.Errorf("encode the answer of %s: %w", a.Name, err)
		}
		b.close(a.Name + "Result")
	}
	b.open("ResponseMetadata")
	b.element("RequestId", a.RequestID)
	b.close("ResponseMetadata")
	b.close(a.Name + "Response")
	w.Header().Set(requestIDHeader, a.RequestID)
	return write(w, http.StatusOK, "text/xml", b.Bytes())
}

// WriteXML answers with v as encoding/xml writes it, below an XML header, as
// S3 does.
func WriteXML(w http.ResponseWriter, status int, v any) error {
	body, err := xml.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	return write(w, status, "application/xml", append([]byte(xmlHeader), body...))
}

func xmlns(namespace string) string {
	if namespace == "" {
		return ""
	}
	var b xmlBuffer
	b.WriteString(` xmlns="`)
	b.text(namespace)
	b.WriteString(`"`)
	return b.String()
}

type xmlBuffer struct{ bytes.Buffer }

func (b *xmlBuffer) open(name string)  { b.WriteString("<" + name + ">") }
func (b *xmlBuffer) close(name string) { b.WriteString("</" + name + ">") }

// text writes character data; what XML cannot carry becomes U+FFFD.
func (b *xmlBuffer) text(s string) {
	_ = xml.EscapeText(&b.Buffer, []byte(s)) // a bytes.Buffer does not fail
}

func (b *xmlBuffer) element(name, text string) {
	b.open(name)
	b.text(text)
	b.close(name)
}

func (b *xmlBuffer) structure(v reflect.Value) error {
	if v.Kind() != reflect.Struct {
		return fmt.Errorf("%s is not a struct", v.Type())
	}
	for i := range v.NumField() {
		field, f := v.Type().Field(i), v.Field(i)
		if field.Anonymous && f.Kind() == reflect.Struct {
			if err := b.structure(f); err != nil {
				return err
			}
			continue
		}
		name, omitEmpty := memberName(field)
		empty := f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0
		if !field.IsExported() || omitEmpty && empty {
			continue
		}
		if err := b.value(name, f); err != nil {
			return err
		}
	}
	return nil
}

func (b *xmlBuffer) value(name string, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if t, ok := v.Interface().(time.Time); ok {
		b.element(name, t.UTC().Format("2006-01-02T15:04:05Z"))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		b.element(name, v.String())
	case reflect.Int64, reflect.Int:
		b.element(name, strconv.FormatInt(v.Int(), 10))
	case reflect.Bool:
		b.element(name, strconv.FormatBool(v.Bool()))
	case reflect.Slice:
		b.open(name)
		for i := range v.Len() {
			if err := b.value("member", v.Index(i)); err != nil {
				return err
			}
		}
		b.close(name)
	case reflect.Struct:
		b.open(name)
		if err := b.structure(v); err != nil {
			return err
		}
		b.close(name)
	default:
		return fmt.Errorf("%s: no element for %s", name, v.Type())
	}
	return nil
}
