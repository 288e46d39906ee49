package trail

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/policy"
)

func set(t testing.TB, kind policy.Kind, name, document string) *policy.Set {
	t.Helper()
	p, err := policy.Parse(kind, document)
	if err != nil {
		t.Fatal(err)
	}
	return policy.NewSet(policy.Named{Name: name, Policy: p})
}

func document(resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/` + resource + `/*"}]}`
}

// fill gives every field that a record can have a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text number %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n%3) + 1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*n), int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n)
			}
		}
	default:
		panic(v.Kind().String())
	}
}

// full is a record in which nothing is zero.
func full(t testing.TB) *Record {
	rec, n := &Record{}, 0
	for i, v := 0, reflect.ValueOf(rec).Elem(); i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; name != "Steps" && name != "few" {
			fill(v.Field(i), &n)
		}
	}
	for range 2 {
		keys := authz.NewContextOver(policy.NewContext(), 4)
		keys.SetKey(authz.NewKey("aws:SourceIp"), "192.0.2.1")
		keys.Set("aws:Other", "value")
		keys.SetList("aws:TagKeys", []string{"a", "b"})
		keys.SetList("aws:Empty", []string{})
		q, a := &policy.Request{}, &authz.Asked{}
		fill(reflect.ValueOf(&q.Principal).Elem(), &n)
		q.Action, q.Resource, q.Context = "s3:GetObject", "arn:aws:s3:::b/k", keys
		fill(reflect.ValueOf(&a.Kind).Elem(), &n)
		for i, v := 0, reflect.ValueOf(&a.Verdict).Elem(); i < v.NumField(); i++ {
			if v.Type().Field(i).Name != "Asked" {
				fill(v.Field(i), &n)
			}
		}
		a.Request = q
		for i, v := 0, reflect.ValueOf(&a.Layers).Elem(); i < v.NumField(); i++ {
			if v.Field(i).Type() == reflect.TypeFor[*policy.Set]() {
				v.Field(i).Set(reflect.ValueOf(set(t, policy.Session, "policy", document(fmt.Sprint(n)))))
				n++
			} else {
				fill(v.Field(i), &n)
			}
		}
		rec.Add(Step{Name: StepPermission, OK: true, Detail: "a detail", Asked: a})
	}
	return rec
}

// TestRecordsComeBack: what is kept is all that a record says.
func TestRecordsComeBack(t *testing.T) {
	for name, rec := range map[string]*Record{
		"full": full(t), "empty": {ID: "x", At: time.Unix(1, 0)}, "local time": {ID: "y", At: time.Unix(1, 2), Steps: []Step{{Name: StepRequest}}},
	} {
		r := New(Config{Age: 100 * 365 * 24 * time.Hour})
		r.Keep(rec)
		got, ok := r.Find(rec.ID)
		if !ok {
			t.Fatalf("%s: not kept", name)
		}
		for i := range rec.Steps {
			if a := rec.Steps[i].Asked; a != nil {
				// As it was asked: the base of a context is empty here, and then not kept.
				keys, _, _ := policy.ReadContext(a.Request.Context.Append(nil))
				a.Request.Context = keys
			}
		}
		rec.Steps = slices.Clone(rec.Steps)
		rec.few = [4]Step{}
		if !reflect.DeepEqual(got, rec) {
			t.Errorf("%s: kept\n%+v\nas\n%+v", name, rec, got)
		}
	}
}

// TestPoliciesAreCompiledAgain: a record outlives the compiled policies, which
// nothing keeps for it.
func TestPoliciesAreCompiledAgain(t *testing.T) {
	r := New(Config{})
	layers := authz.Layers{Identity: set(t, policy.Identity, "mine", document("k")), Session: policy.NewSet(policy.Named{Name: "gone"})}
	q := &policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k/1", Context: policy.NewContext()}
	rec := &Record{ID: "a", At: time.Now(), Principal: thingpass.Principal{Kind: thingpass.UserPrincipal}}
	rec.Add(Step{Name: StepPermission, OK: true, Asked: &authz.Asked{Request: q, Layers: layers}})
	freed := make(chan bool)
	runtime.AddCleanup(layers.Identity, func(c chan bool) { close(c) }, freed)
	want := layers.Decide(q)
	r.Keep(rec)
	rec, layers = nil, authz.Layers{}
	for range 100 {
		runtime.GC()
		select {
		case <-freed:
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	select {
	case <-freed:
	default:
		t.Error("the record keeps a compiled policy")
	}
	got, ok := r.Find("a")
	if !ok {
		t.Fatal("not kept")
	}
	a := got.Steps[0].Asked
	if v := a.Layers.Decide(a.Request); v != want || v.Decision != policy.ExplicitDeny {
		t.Errorf("decided %+v, was %+v", v, want)
	}
	a.Layers.Session = nil
	if !a.Layers.Decide(a.Request).Allowed() {
		t.Error("the identity policy does not allow any more")
	}
}

// TestBytesAreTrue: the heap grows by what the ring says of itself, with policies
// of their own for each record and with the same for all, and stays below its
// bound.
func TestBytesAreTrue(t *testing.T) {
	shared := set(t, policy.Identity, "shared", document("k"))
	filler := strings.Repeat("r", 1800)
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	for _, distinct := range []bool{false, true} {
		const bound = 4 << 20
		rec := full(t)
		asked := rec.Steps[0].Asked
		before := heap()
		r := New(Config{Bytes: bound})
		for i := range 3000 {
			rec.ID, rec.At, rec.Failure = fmt.Sprint("id-", i), time.Now(), ""
			l := authz.Layers{Identity: shared}
			if distinct {
				l.Session = set(t, policy.Session, "session policy", document(fmt.Sprint(filler, i)))
				rec.Principal.SessionPolicy = document(fmt.Sprint(filler, i))
			}
			asked.Layers, rec.Steps = l, rec.Steps[:1]
			r.Keep(rec)
		}
		grown, says := heap()-before, r.Bytes()
		t.Logf("distinct %v: the heap grew by %d KiB, the ring says %d", distinct, grown>>10, says>>10)
		if says > bound || grown > says*5/4 || grown < says*3/4 {
			t.Errorf("distinct %v: the heap grew by %d bytes, the ring says %d of at most %d", distinct, grown, says, bound)
		}
		runtime.KeepAlive(r)
	}
}
