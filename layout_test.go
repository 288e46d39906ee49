package thingpass_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/thingpass/thingpass"

// room is one row of the floor plan: a package, or with a name that ends in
// "/..." every package below a folder.
type room struct {
	name string
	may  string // packages of ours that it may import, "*" for all
	why  string
}

// floorPlan says who may import whom. Imports follow the flow of a request and
// never turn back: what decides does not know what asks. A test file may import
// the same, its own package, and what testAids names.
var floorPlan = []room{
	{".", "", "nouns and their rules: everybody speaks them, so they know nobody"},
	{"policy", "", "the language is pure: whoever reads a policy needs to read nothing else"},
	{"checksum", "", "whoever reads, verifies or stores checksums has one list of them"},
	{"sigv4", "checksum", "signatures are checked without knowing whose keys they are"},
	{"wire", "", "protocols carry any operation; they know none"},
	{"anchor", "", "who has a file open is asked whether it is still at its place"},
	{"space", "", "keeps room on disks for who writes there, whatever it is"},
	{"objects", "checksum space anchor", "an object store knows neither S3's protocol nor its permissions"},
	{"store", ". space anchor", "keeps nouns, decides nothing"},
	{"store/storetest", ". store", "gives tests both database engines"},
	{"identity", ". store", "who a device is, whatever it may do"},
	{"authz", ". store policy", "which policies apply; who proved to be whom is settled before"},
	{"session", ". store", "issues and resolves keys; who may have one is decided before"},
	{"trail", ". authz policy", "the last decisions, kept in memory with the texts of their policies, compiled again when asked: what explains them comes later"},
	{"why", ". trail authz policy store credentials", "explains decisions of both doors to operators; nothing decides by it"},
	{"handshake", "", "what fails below HTTP has no request, and needs no other package"},
	{"gate", ". wire sigv4 session authz trail", "the signed door reaches the store through session and authz only"},
	{"credentials", ". wire store identity authz session trail", "the device door: the whole exchange in one function"},
	{"iot", ". wire store gate identity", "an operation never sees how it was authorised, nor another service"},
	{"iam", ". wire store gate policy session authz", "an operation never sees how it was authorised, nor another service; authz for the simulations, which ask about somebody else"},
	{"sts", ". wire store gate authz session", "AssumeRole asks the trust policy itself, hence authz"},
	{"upstream", ". sigv4 wire", "an S3 engine behind us is reached and signed for without knowing who asked for what"},
	{"s3", ". wire gate sigv4 objects policy upstream checksum space", "sigv4 for the body, which is verified while it streams; policy to check what a bucket is given; no store"},
	{"server", ". space policy sigv4 wire store identity authz session gate credentials iot iam sts s3 objects upstream trail why handshake",
		"wires everybody together"},
	{"thingtest", ". server sigv4 upstream", "a running server for tests, used through its doors only"},
	{"cmd/thingpass", ". server sigv4 thingtest policy why objects upstream handshake space trail", "the command line: no rules of its own; the demo plays its parts through the doors, as thingtest does"},
	{"test/...", "*", "nothing imports it"},
}

// testAids is what any test file may import besides: running servers, engines
// and a signature to knock with.
var testAids = []string{"thingtest", "store/storetest", "sigv4"}

// TestLayout holds the code to the floor plan. It reads the files itself: a
// test that asks "go list" is served stale from the test cache.
func TestLayout(t *testing.T) {
	found := map[string]bool{}
	for _, file := range goFiles(t) {
		pkg := path.Dir(file)
		r, ok := lookUp(pkg)
		if !ok {
			t.Errorf("%s: package %q is not in the floor plan: give it a row with a reason", file, pkg)
			continue
		}
		found[r.name] = true
		for _, imported := range ownImports(t, file) {
			if !r.allows(imported, pkg, strings.HasSuffix(file, "_test.go")) {
				t.Errorf("%s imports %q, which turns back: %q may import %q (%s)", file, imported, r.name, r.may, r.why)
			}
		}
	}
	for _, r := range floorPlan {
		if !found[r.name] {
			t.Errorf("the floor plan lists %q, and there is no such package: take the row out", r.name)
		}
	}
}

func (r room) allows(imported, pkg string, inTest bool) bool {
	if r.may == "*" || slices.Contains(strings.Fields(r.may), imported) {
		return true
	}
	return inTest && (imported == pkg || slices.Contains(testAids, imported))
}

func lookUp(pkg string) (room, bool) {
	for _, r := range floorPlan {
		folder, below := strings.CutSuffix(r.name, "/...")
		if r.name == pkg || below && (pkg == folder || strings.HasPrefix(pkg, folder+"/")) {
			return r, true
		}
	}
	return room{}, false
}

// goFiles lists the Go files of the module by slashed path from its root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// skipped tells whether the go command looks away from a folder, too.
func skipped(folder string) bool {
	base := filepath.Base(folder)
	return folder != "." && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "node_modules")
}

// ownImports lists the packages of this module that a file imports, by path
// from the module's root.
func ownImports(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if imported == module {
			own = append(own, ".")
		} else if rest, ok := strings.CutPrefix(imported, module+"/"); ok {
			own = append(own, rest)
		}
	}
	return own
}
