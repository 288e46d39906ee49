// Command licenses prints the licences of Go and of every module that is linked
// into thingpass, for cmd/thingpass/licenses.txt, which the program carries: MIT
// and BSD ask for their notices in binary distributions. Run it by
// "go generate ./cmd/thingpass" when a dependency changes.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	text, err := licenses()
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// module is a module as "go list" knows it.
type module struct {
	Path    string
	Version string
	Main    bool
	Dir     string
}

// licenses is the text for all modules, by path, after Go's own.
func licenses() ([]byte, error) {
	modules, err := linked()
	if err != nil {
		return nil, err
	}
	goroot, err := goCommand("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	modules = slices.Insert(modules, 0, module{Path: "The Go standard library and runtime", Dir: string(bytes.TrimSpace(goroot))})
	var out bytes.Buffer
	out.WriteString("Licences of what is linked into thingpass. Made by \"go generate ./cmd/thingpass\".\n")
	for _, m := range modules {
		if err := m.write(&out); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// linked lists the modules with at least one package in the program.
func linked() ([]module, error) {
	list, err := goCommand("list", "-deps", "-json=Module", "github.com/thingpass/thingpass/cmd/thingpass")
	if err != nil {
		return nil, err
	}
	var modules []module
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct{ Module *module }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("list the modules: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			modules = append(modules, *p.Module)
		}
	}
	slices.SortFunc(modules, func(a, b module) int { return cmp.Compare(a.Path, b.Path) })
	return slices.Compact(modules), nil
}

// goCommand returns what a command of the Go tool prints.
func goCommand(args ...string) ([]byte, error) {
	out, err := exec.Command("go", args...).Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, e.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out, nil
}

// write appends the module's licence files. A module without any is an error:
// it may not be linked.
func (m module) write(out *bytes.Buffer) error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !isLicense(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(out, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 72), strings.TrimSpace(m.Path+" "+m.Version), e.Name(),
			bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
	}
	if !found {
		return fmt.Errorf("module %s has no licence file", m.Path)
	}
	return nil
}

// isLicense reports whether a file of a module belongs to its licence.
func isLicense(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS", "AUTHORS"}, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}
