package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// wordings say in our words what package kong finds wrong with a value.
var wordings = []struct {
	said *regexp.Regexp
	say  string
}{
	{regexp.MustCompile(`(--[\w-]+): expected \w+ value but got "EOL" \(<EOL>\)`), `$1 needs a value`},
	{regexp.MustCompile(`(--[\w-]+): expected \w+ value but got ".*" \((?:long|short) flag\); perhaps try .*`), `$1 needs a value; one that begins with a dash is joined to it: $1=VALUE`},
	{regexp.MustCompile(`(--[\w-]+): expected a valid \d+ bit u?int but got (".*?")`), `$1 $2: a whole number is needed`},
	{regexp.MustCompile(`(--[\w-]+): expected duration but got (".*?")(?:: time: .*?)?( \(from envar|$)`), `$1 $2: a duration is needed, such as 30s, 15m or 168h$3`},
	{regexp.MustCompile(`(--[\w-]+): bool value must be true, 1, yes, false, 0 or no but got (".*?")`), `$1 $2: true or false is needed`},
	{regexp.MustCompile(`(--[\w-]+) must be one of (.*) but got (".*?")`), `$1 $3: one of $2 is needed`},
	{regexp.MustCompile(` \(from envar (\w+)=.*\)$`), ` (from the environment variable $1)`},
}

// worded is an error of the arguments in our words.
type worded struct {
	text string
	err  error
}

func (w worded) Error() string { return w.text }

func (w worded) Unwrap() error { return w.err }

func inOurWords(err error) error {
	text := err.Error()
	for _, w := range wordings {
		text = w.said.ReplaceAllString(text, w.say)
	}
	return worded{asCalled(text), err}
}

// checkSigns refuses numbers and durations below zero, which no flag has a
// meaning for.
func checkSigns(parsed *kong.Context) error {
	for _, f := range parsed.Flags() {
		switch f.Target.Kind() { //nolint:exhaustive // numbers only
		case reflect.Int, reflect.Int64:
		default:
			continue
		}
		if f.Target.Int() >= 0 || f.Target.Type() == reflect.TypeFor[logLevel]() {
			continue
		}
		value := strconv.FormatInt(f.Target.Int(), 10)
		if f.Target.Type() == reflect.TypeFor[time.Duration]() {
			value = time.Duration(f.Target.Int()).String()
		}
		return fmt.Errorf("--%s %q: it cannot be below 0", f.Name, value)
	}
	return nil
}

// logLevel is one of the four levels.
type logLevel slog.Level

// UnmarshalText is for package kong.
func (l *logLevel) UnmarshalText(text []byte) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(level.String(), string(text)) {
			*l = logLevel(level)
			return nil
		}
	}
	return fmt.Errorf("%q: a level is debug, info, warn or error", text)
}

// named puts the name of a flag before what is wrong with its value.
func named(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", flag, err)
}

// positive refuses a duration that has no meaning.
func positive(flag string, d time.Duration) error {
	if d > 0 {
		return nil
	}
	return fmt.Errorf("%s %q: it must be above 0", flag, d)
}

// calledAs is how this program was called, for hints that can be pasted.
func calledAs() string { return calledBy(os.Args[0]) }

func calledBy(called string) string {
	switch dir := filepath.Dir(called); {
	case strings.HasPrefix(filepath.Base(filepath.Dir(filepath.Dir(dir))), "go-build"): // /tmp/go-build123/b001/exe/thingpass
		return "go run ./cmd/thingpass"
	case strings.ContainsAny(called, " \t\n'\"\\$`&;|<>()*?[]#~!{}"):
		return "'" + strings.ReplaceAll(called, "'", `'\''`) + "'"
	}
	return cmp.Or(called, "thingpass")
}

// hinted finds commands in a text of ours.
var hinted = regexp.MustCompile(`\bthingpass (init|serve|why|policy|objects|demo|backup|restore|repair|rotate-keys|renew-certificate|recover-admin|recover-bucket)\b`)

// asCalled names the program in the commands of a text as it was called.
func asCalled(text string) string {
	return hinted.ReplaceAllStringFunc(text, func(found string) string {
		_, command, _ := strings.Cut(found, " ")
		return calledAs() + " " + command
	})
}

// permissionHint is what to do when this user may not do what was tried; "" for
// any other error.
func permissionHint(err error, data string) string {
	text := err.Error()
	denied := errors.Is(err, fs.ErrPermission) || strings.Contains(text, "readonly database") || strings.Contains(text, "unable to open database file")
	if !denied {
		return ""
	}
	info, statErr := os.Stat(data)
	if data == "" || statErr != nil {
		return "run it as a user who may use the folder: an installation belongs to the user that made it"
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return fmt.Sprintf("look at the owners and modes of what is in %s: all of it should belong to the user that runs this", data)
	}
	name := strconv.FormatUint(uint64(owner.Uid), 10)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Sprintf("run it as the user that owns %s: sudo -u %s", data, name)
}
