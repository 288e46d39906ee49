package iam

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/thingpass/thingpass"
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
		if got := s.askRole("iam:GetRole", name); len(got) != 1 || got[0].Resource != "arn:aws:iam::123456789012:role/"+name {
			t.Errorf("questions about %q: %v", name, got)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.askRole("iam:GetRole", "r"); got != nil {
		t.Errorf("questions about a role that cannot be read: %v", got)
	}
}
