package iam

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/store"
)

// TestNoAnswerNoQuestion: about a role that cannot be read nothing is asked,
// and the gate refuses a call that asks nothing.
func TestNoAnswerNoQuestion(t *testing.T) {
	place := thingpass.Place{Account: "123456789012", Region: "us-east-1"}
	db, err := store.Create(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "db"), place)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{Config{Place: place, Store: db, Log: slog.New(slog.DiscardHandler)}}
	for _, name := range []string{"", "none", "\x00", "\xff"} {
		if got := s.roles().ask("iam:GetRole", name); len(got) != 1 || got[0].Resource != "arn:aws:iam::123456789012:role/"+name {
			t.Errorf("questions about %q: %v", name, got)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.roles().ask("iam:GetRole", "r"); len(got) != 1 || got[0].Err == nil {
		t.Errorf("questions about a role that cannot be read: %v", got)
	}
}

// TestTagKeysHaveNoCase: a question never has two keys that are the same to
// package policy.
func TestTagKeysHaveNoCase(t *testing.T) {
	given := []tagInput{{Key: new("team"), Value: new("a")}, {Key: new("Team"), Value: new("b")}, {Key: new("\u017fun"), Value: new("")}, {Key: new("SUN")}, {}}
	got := gate.Access{Action: "iam:CreateRole", Resource: "*", Context: map[string][]string{}, Lists: map[string][]string{}}
	tagging(&got, given)
	want := gate.Access{
		Action: "iam:CreateRole", Resource: "*",
		Context: map[string][]string{"aws:RequestTag/team": {"a"}, "aws:RequestTag/\u017fun": {""}},
		Lists:   map[string][]string{"aws:TagKeys": {"team", "\u017fun"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	many := make([]tagInput, 1000)
	for i := range many {
		many[i].Key = new(strings.Repeat("x", i))
	}
	got.Context = map[string][]string{}
	if tagging(&got, many); len(got.Context) != maxTags {
		t.Errorf("%d keys in a question", len(got.Context))
	}
}
