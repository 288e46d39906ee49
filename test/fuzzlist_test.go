package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fuzzList names the fuzz targets that CI runs: a package and a function on
// each line.
const fuzzList = "../.ci/fuzz-targets"

// TestFuzzList keeps the list of fuzz targets equal to the targets that exist.
func TestFuzzList(t *testing.T) {
	content, err := os.ReadFile(fuzzList)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			listed = append(listed, line)
		}
	}
	existing := fuzzTargets(t)
	if len(existing) == 0 {
		t.Error("no fuzz target exists")
	}
	for _, target := range existing {
		if !slices.Contains(listed, target) {
			t.Errorf("%s does not list %q: CI never runs it", fuzzList, target)
		}
	}
	for n, target := range listed {
		if !slices.Contains(existing, target) {
			t.Errorf("%s lists %q, which does not exist", fuzzList, target)
		}
		if slices.Contains(listed[:n], target) {
			t.Errorf("%s lists %q twice", fuzzList, target)
		}
	}
}

func fuzzTargets(t *testing.T) []string {
	t.Helper()
	var targets []string
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", filepath.Dir(name))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
				targets = append(targets, "./"+filepath.ToSlash(folder)+" "+f.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return targets
}
