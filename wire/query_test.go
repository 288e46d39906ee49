package wire

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type queryTag struct{ Key, Value string }

type queryInner struct{ Depth *int64 }

type queryPage struct{ MaxItems *int64 }

type queryInput struct {
	queryPage
	RoleName string
	Document *string `query:"AssumeRolePolicyDocument"`
	Max      int64   `query:"MaxSessionDuration"`
	Default  *bool   `query:"SetAsDefault"`
	Names    []string
	Tags     []queryTag
	Inner    queryInner
	Maybe    *queryInner
	//lint:ignore U1000 a decoder must leave unexported fields alone
	hidden string
}

func TestDecodeQuery(t *testing.T) {
	for _, tt := range []struct {
		name, form string
		want       queryInput
	}{
		{"empty", "", queryInput{}},
		{"unknown ignored", "Action=CreateRole&Version=2010-05-08&Other.member.7=x&hidden=x&Document=x&queryPage.MaxItems=3", queryInput{}},
		{
			"everything", "RoleName=r&AssumeRolePolicyDocument=%7B%7D&MaxSessionDuration=3600&SetAsDefault=true&MaxItems=5&Names.member.1=a&Names.member.2=b" +
				"&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=l&Inner.Depth=1&Maybe.Depth=2",
			queryInput{
				queryPage: queryPage{new(int64(5))}, RoleName: "r", Document: new("{}"), Max: 3600, Default: new(true), Names: []string{"a", "b"},
				Tags: []queryTag{{"k", "v"}, {"l", ""}}, Inner: queryInner{new(int64(1))}, Maybe: &queryInner{new(int64(2))},
			},
		},
		{"empty list", "Tags=", queryInput{Tags: []queryTag{}}},
		{"empty text", "AssumeRolePolicyDocument=", queryInput{Document: new("")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			var got queryInput
			if err := DecodeQuery(form, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(queryInput{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeQueryRefuses(t *testing.T) {
	for _, tt := range []struct{ name, form, code string }{
		{"integer", "MaxSessionDuration=x", "ValidationError"},
		{"large integer", "MaxSessionDuration=9223372036854775808", "ValidationError"},
		{"boolean", "SetAsDefault=1", "ValidationError"},
		{"twice", "RoleName=a&RoleName=b", "MalformedInput"},
		{"not UTF-8", "RoleName=%ff", "MalformedInput"},
		{"structure for a value", "RoleName.member.1=a", "MalformedInput"},
		{"value and structure", "RoleName=a&RoleName.x=a", "MalformedInput"},
		{"value for a structure", "Inner=x", "MalformedInput"},
		{"value for a list", "Tags=x", "MalformedInput"},
		{"value for members", "Names.member=x", "MalformedInput"},
		{"value and members", "Names.member=x&Names.member.1=a", "MalformedInput"},
		{"flat list", "Tags.1.Key=k", "MalformedInput"},
		{"value for a member", "Tags.member.1=k", "MalformedInput"},
		{"gap", "Names.member.1=a&Names.member.3=b", "MalformedInput"},
		{"from zero", "Names.member.0=a&Names.member.1=a", "MalformedInput"},
		{"huge index", "Names.member.1000000000=a", "MalformedInput"},
		{"leading zero", "Names.member.01=a", "MalformedInput"},
		{"no number", "Names.member.x=a", "MalformedInput"},
		{"too deep", "A" + strings.Repeat(".a", 1000) + "=1", "MalformedInput"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			e, ok := errors.AsType[*Error](DecodeQuery(form, &queryInput{}))
			if !ok || e.Status != 400 || e.Code != tt.code || len(e.Message) > 400 {
				t.Errorf("got %v", e)
			}
		})
	}
	if err := DecodeQuery(nil, 1); err == nil {
		t.Error("decoded into something that is no pointer")
	}
}

func TestEncodeQuery(t *testing.T) {
	type role struct {
		RoleName   string
		CreateDate time.Time
		Max        int64  `query:"MaxSessionDuration"`
		Absent     *int64 `query:"Absent"`
		Empty      string `query:"Description,omitempty"`
		Truncated  bool   `query:"IsTruncated"`
		Names      []string
		Tags       []queryTag
		None       []queryTag `query:",omitempty"`
		Inner      *queryInner
	}
	action := Action{"GetRole", "https://iam.amazonaws.com/doc/2010-05-08/", "id-1"}
	const meta = `<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetRoleResponse>`
	const open = `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">`
	for _, tt := range []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, open + meta},
		{"no members", &struct{}{}, open + `<GetRoleResult></GetRoleResult>` + meta},
		{
			"everything",
			&role{
				RoleName: "a<&\x00b", CreateDate: time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.FixedZone("", 3600)), Max: 3600, Truncated: true,
				Names: []string{}, Tags: []queryTag{{"k", "v"}}, Inner: &queryInner{new(int64(1))},
			},
			open + "<GetRoleResult><RoleName>a&lt;&amp;\uFFFDb</RoleName><CreateDate>2026-01-02T02:04:05Z</CreateDate><MaxSessionDuration>3600</MaxSessionDuration>" +
				`<IsTruncated>true</IsTruncated><Names></Names><Tags><member><Key>k</Key><Value>v</Value></member></Tags><Inner><Depth>1</Depth></Inner></GetRoleResult>` + meta,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := EncodeQuery(w, action, tt.in); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" {
				t.Error(diff)
			}
			if w.Header().Get("Content-Type") != "text/xml" || w.Header().Get("x-amzn-RequestId") != "id-1" {
				t.Error(w.Header())
			}
		})
	}
	for _, bad := range []any{1, struct{ F func() }{func() {}}} {
		if err := EncodeQuery(httptest.NewRecorder(), action, bad); err == nil {
			t.Errorf("encoded %T", bad)
		}
	}
}

// queryForm is the other direction of DecodeQuery, as clients write it.
func queryForm(form url.Values, prefix string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			queryForm(form, prefix, v.Elem())
		}
	case reflect.Slice:
		if v.Len() == 0 && !v.IsNil() {
			form.Set(prefix, "")
		}
		for i := range v.Len() {
			queryForm(form, prefix+".member."+strconv.Itoa(i+1), v.Index(i))
		}
	case reflect.Struct:
		form.Set(prefix, "") // so that structures without members are seen
		for i := range v.NumField() {
			name, _ := memberName(v.Type().Field(i))
			queryForm(form, strings.TrimPrefix(prefix+"."+name, "."), v.Field(i))
		}
	default:
		form.Set(prefix, fmt.Sprint(v))
	}
}

// FuzzDecodeQuery: no form panics, refusals are this package's, lists are no
// longer than the form, and what was decoded survives a round trip.
func FuzzDecodeQuery(f *testing.F) {
	f.Add("RoleName=r&Tags.member.1.Key=k&Tags.member.2.Key=l&Inner.Depth=4&SetAsDefault=true")
	f.Add("Names.member.1=a&Names.member.2=b&Maybe.Depth=-1&Tags=")
	f.Add("Names.member.4294967296=a&MaxSessionDuration=1")
	type plain struct {
		RoleName string
		Document *string `query:"AssumeRolePolicyDocument"`
		Max      int64   `query:"MaxSessionDuration"`
		Default  *bool   `query:"SetAsDefault"`
		Names    []string
		Tags     []queryTag
		Maybe    *queryInner
	}
	f.Fuzz(func(t *testing.T, raw string) {
		form, err := url.ParseQuery(raw)
		if err != nil {
			t.Skip()
		}
		var in plain
		if err := DecodeQuery(form, &in); err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != 400 {
				t.Fatalf("a refusal of another kind: %v", err)
			}
			return
		}
		if len(in.Names)+len(in.Tags) > len(form) {
			t.Fatalf("%d and %d members of %d parameters", len(in.Names), len(in.Tags), len(form))
		}
		again := url.Values{}
		queryForm(again, "", reflect.ValueOf(in))
		var back plain
		if err := DecodeQuery(again, &back); err != nil {
			t.Fatalf("%v: %v", again, err)
		}
		if diff := cmp.Diff(in, back); diff != "" {
			t.Error(diff)
		}
	})
}
