package story

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/thingtest"
)

var (
	commandLine = regexp.MustCompile(`(?m)^(?:\[\w+\] )?(?:! )?(?:aws|refused \w+) (\w+) ([\w-]+)`)
	wordEnd     = regexp.MustCompile(`([a-z])([A-Z])`)
)

// TestEveryOperation: every operation of IoT, IAM and STS is called in a story
// with the AWS CLI. Those of S3 hide behind "aws s3".
func TestEveryOperation(t *testing.T) {
	server, err := thingtest.Start(t.Context(), thingtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	called := calls(t)
	for _, service := range server.Services() {
		if service.Name == "s3" {
			continue
		}
		for _, op := range service.Operations {
			command := service.Name + " " + strings.ToLower(wordEnd.ReplaceAllString(op.Name, "$1-$2"))
			if !called[command] {
				t.Errorf("no story calls aws %s", command)
			}
		}
	}
}

// calls are the commands of the AWS CLI in the scripts, as "iot create-thing".
func calls(t *testing.T) map[string]bool {
	t.Helper()
	scripts, err := filepath.Glob("testdata/cli/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	found := map[string]bool{}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range commandLine.FindAllSubmatch(text, -1) {
			found[string(match[1])+" "+string(match[2])] = true
		}
	}
	return found
}
