package story

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// stdout-json PATH [VALUE] looks into the JSON that the last command printed.
// PATH is names and indices with dots between; "length" is how many there are in a
// list. VALUE is compared with the text of what is there; as @FILE, with the file:
// byte for byte if there is a text, else as JSON. With "!" nothing may be there.
func stdoutJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 1 || !neg && len(args) == 2, "stdout-json PATH [VALUE]")
	found, err := lookUp(ts.ReadFile("stdout"), args[0])
	switch {
	case neg && err == nil:
		ts.Fatalf("%s is %s, and should not be there", args[0], shown(found))
	case neg || len(args) == 1 && err == nil:
		return
	case err != nil:
		ts.Fatalf("%v", err)
	}
	file, compare := strings.CutPrefix(args[1], "@")
	if !compare {
		if shown(found) != args[1] {
			ts.Fatalf("%s is %s, want %s", args[0], shown(found), args[1])
		}
		return
	}
	want := any(ts.ReadFile(file))
	if _, text := found.(string); !text {
		want, err = lookUp(ts.ReadFile(file), "")
		ts.Check(err)
	}
	if !reflect.DeepEqual(found, want) {
		ts.Fatalf("%s is %s, want what is in %s", args[0], shown(found), file)
	}
}

// json-env NAME PATH sets a variable of the script to what stdout-json would
// find.
func jsonEnv(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "json-env NAME PATH")
	found, err := lookUp(ts.ReadFile("stdout"), args[1])
	ts.Check(err)
	ts.Setenv(args[0], shown(found))
}

// lookUp finds a value in JSON text by its path.
func lookUp(text, path string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("not JSON: %w: %s", err, text)
	}
	if path == "" {
		return value, nil
	}
	for step := range strings.SplitSeq(path, ".") {
		next, ok := child(value, step)
		if !ok {
			return nil, fmt.Errorf("%s: there is no %s in %s", path, step, shown(value))
		}
		value = next
	}
	return value, nil
}

func child(value any, step string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		found, ok := v[step]
		return found, ok
	case []any:
		if step == "length" {
			return json.Number(strconv.Itoa(len(v))), true
		}
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(v) {
			return v[i], true
		}
	}
	return nil, false
}

// shown is a text as it is, and anything else as JSON.
func shown(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, _ := json.Marshal(value)
	return string(text)
}

func TestLookUp(t *testing.T) {
	const text = `{"a": {"b": [1.50, "x", null, {"c": true}]}, "": 0}`
	for path, want := range map[string]string{
		"a.b.0": "1.50", "a.b.1": "x", "a.b.2": "null", "a.b.3.c": "true", "a.b.length": "4", "a.b.3": `{"c":true}`,
	} {
		if got, err := lookUp(text, path); err != nil || shown(got) != want {
			t.Errorf("%s: %s, %v, want %s", path, shown(got), err, want)
		}
	}
	for _, path := range []string{"b", "a.b.4", "a.b.-1", "a.b.x", "a.b.0.c", "a.length", "a."} {
		if got, err := lookUp(text, path); err == nil {
			t.Errorf("%s: %s", path, shown(got))
		}
	}
}
