package policy

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeysAreDocumented compares the table with the one of the compatibility
// page, both ways. That each key really is supplied, is tested through a
// running server (packages iam and credentials).
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
