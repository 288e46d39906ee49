package policy

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeysAreSet compares the table with the keys in the sources of the packages
// that set them, both ways.
func TestKeysAreSet(t *testing.T) {
	set := map[string]string{} // where, by the key in lower case
	for _, folder := range []string{"authz", "credentials", "gate", "iam", "iot", "s3", "session", "sts"} {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") && name != filepath.Join("..", "s3", "publicpolicy.go") { // which only looks at keys
				keysIn(t, name, set)
			}
		}
	}
	table := map[string]bool{}
	for _, k := range suppliedKeys {
		before, _, _ := strings.Cut(k.name, "…")
		table[lowerASCII(before)] = true
		if set[lowerASCII(before)] == "" {
			t.Errorf("%s is in the table, and nothing sets it", k.name)
		}
	}
	for key, where := range set {
		if !table[key] {
			t.Errorf("%s sets %s, which is not in the table", where, key)
		}
	}
}

var keyPattern = regexp.MustCompile(`^(aws|iam|iot|s3|sts|credentials-iot):(.+)$`)

// notKeys are texts in the sources that look like condition keys.
var notKeys = map[string]bool{
	"iot:data": true, "iot:data-ats": true, "iot:data-beta": true, "iot:credentialprovider": true, "iot:jobs": true, "iot:deviceadvisor": true, // types of endpoints
	"iam:tag": true, "iam:create": true, // how actions begin
	"s3:x-amz-grant-": true, // by which grants are found among the keys
	"iot:clientid":    true, // TestAuthorization gives it to actions that are not decided here
}

// keysIn adds the condition keys among the strings of a file. A key must stand
// in one piece, but for what its caller chooses.
func keysIn(t *testing.T, name string, found map[string]string) {
	file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sum, ok := n.(*ast.BinaryExpr); ok && sum.Op == gotoken.ADD {
			switch text := stringOf(sum.X); text {
			case "aws:", "s3:", "sts:", "credentials-iot:":
				t.Errorf("%s makes a key out of %q: write it in one piece, so that it is found", name, text)
			}
		}
		text := stringOf(n)
		m := keyPattern.FindStringSubmatch(text)
		if m == nil || notKeys[lowerASCII(text)] || slices.ContainsFunc(actionsOf(m[1]), func(a string) bool { return a == m[2] }) {
			return true
		}
		found[lowerASCII(text)] = name
		return true
	})
}

// stringOf is the text of a string literal, or "".
func stringOf(n ast.Node) string {
	if l, ok := n.(*ast.BasicLit); ok && l.Kind == gotoken.STRING {
		text, _ := strconv.Unquote(l.Value)
		return text
	}
	return ""
}

// TestKeysAreDocumented compares the table with the one of the compatibility
// page, both ways.
func TestKeysAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "### Condition keys\n")
	section, _, _ = strings.Cut(section, "\n#")
	documented := map[string]uses{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue // no row of the table
		}
		var in uses
		for name, use := range map[string]uses{"identity": requests, "trust": trusts, "IoT": devices} {
			if strings.Contains(cells[2], name) {
				in |= use
			}
		}
		for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			documented[lowerASCII(key[1])] |= in
		}
	}
	supplied := map[string]uses{}
	for _, k := range suppliedKeys {
		supplied[lowerASCII(k.name)] |= k.uses
	}
	if diff := cmp.Diff(supplied, documented); diff != "" {
		t.Errorf("the table (-) and the page (+) differ:\n%s", diff)
	}
}
