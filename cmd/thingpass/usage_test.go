package main

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// TestHintsCanBePasted: hints name the program as it was called.
func TestHintsCanBePasted(t *testing.T) {
	for called, want := range map[string]string{
		"thingpass":            "thingpass",
		"./thingpass":          "./thingpass",
		"/opt/bin/thingpass-2": "/opt/bin/thingpass-2",
		"/tmp/go-build3964227427/b001/exe/thingpass": "go run ./cmd/thingpass",
		"./my programs/thingpass":                    "'./my programs/thingpass'",
		"":                                           "thingpass",
	} {
		if got := calledBy(called); got != want {
			t.Errorf("%s: %s, want %s", called, got, want)
		}
	}
	if got := asCalled("make one with thingpass init --data x; thingpass is a name"); !strings.Contains(got, calledAs()+" init --data x; thingpass is a name") {
		t.Error(got)
	}
}

// TestPermissionHint: who may not read a folder is told whose it is.
func TestPermissionHint(t *testing.T) {
	denied := fmt.Errorf("open installation.json: %w", fs.ErrPermission)
	if got := permissionHint(denied, "/"); !strings.Contains(got, "owner") && !strings.Contains(got, "owns /: sudo -u root") {
		t.Error(got)
	}
	if got := permissionHint(denied, "/none/such"); !strings.Contains(got, "belongs to the user that made it") {
		t.Error(got)
	}
	if got := permissionHint(fs.ErrNotExist, "/"); got != "" {
		t.Error(got)
	}
}

// TestWrapped: lines are broken at blanks, and never in a word.
func TestWrapped(t *testing.T) {
	line := " 3  exchange      bulbthing  GET /role-aliases/cameras/credentials            200, keys until 03:05:11"
	for width, want := range map[int]string{
		0:   line,
		200: line,
		80:  " 3  exchange      bulbthing  GET /role-aliases/cameras/credentials            \n                  200, keys until 03:05:11",
		60:  " 3  exchange      bulbthing  GET\n                  /role-aliases/cameras/credentials\n                  200, keys until 03:05:11",
	} {
		got := wrapped(line, width, 18)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
			t.Errorf("%d: %q", width, got)
		}
		for l := range strings.SplitSeq(got, "\n") {
			if width > 0 && len(l) > width {
				t.Errorf("%d: %q is %d columns wide", width, l, len(l))
			}
		}
	}
}
