package main

import (
	"bytes"
	"os"
	"testing"
)

// TestLicenses: the program carries the licences of what is linked now.
func TestLicenses(t *testing.T) {
	want, err := licenses()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../cmd/thingpass/licenses.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("cmd/thingpass/licenses.txt is not up to date: run go generate ./cmd/thingpass")
	}
}
