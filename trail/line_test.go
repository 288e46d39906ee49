package trail

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"
)

// TestLinesAreThoseOfSlog: the quick way writes the same bytes.
func TestLinesAreThoseOfSlog(t *testing.T) {
	at := time.Date(2026, 11, 2, 3, 4, 5, 60708, time.FixedZone("", 3600))
	for name, text := range map[string]string{
		"plain": "arn:aws:iam::1:role/x <a>&'b' 100%", "empty": "", "quote": `"`, "backslash": `\`, "control": "a\x00\n\t\x1f", "delete": "\x7f",
		"letters": "äß€😀", "not UTF-8": "a\xff\xc3b", "separators": "\u2028\u2029",
	} {
		for _, when := range []time.Time{at, at.UTC(), at.Truncate(time.Second), at.Truncate(time.Millisecond).UTC(), at.AddDate(9000, 0, 0)} {
			for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError, slog.LevelInfo + 1} {
				line := Line{At: when, Level: level, Text: "exchange", Attrs: []slog.Attr{
					slog.String("request_id", text), slog.Int("status", 200), slog.Int64("bytes", -1), slog.Duration("took", 1234567), slog.Time("expires", when),
				}}
				var quick, slow bytes.Buffer
				line.Log(context.Background(), slog.New(NewHandler(&quick, nil)))
				line.Log(context.Background(), slog.New(slog.NewJSONHandler(&slow, nil)))
				if quick.String() != slow.String() || slow.Len() == 0 {
					t.Errorf("%s: wrote %q, slog %q", name, quick.String(), slow.String())
				}
			}
		}
	}
}

// TestHandlerIsSlogs: levels, groups and attributes in front count.
func TestHandlerIsSlogs(t *testing.T) {
	line := Line{At: time.Unix(1, 0).UTC(), Text: "request", Attrs: []slog.Attr{slog.Int("status", 200)}}
	var quick, slow bytes.Buffer
	for _, options := range []*slog.HandlerOptions{nil, {Level: slog.LevelWarn}} {
		a, b := slog.New(NewHandler(&quick, options)), slog.New(slog.NewJSONHandler(&slow, options))
		for _, change := range []func(*slog.Logger) *slog.Logger{
			func(l *slog.Logger) *slog.Logger { return l },
			func(l *slog.Logger) *slog.Logger { return l.With("a", 1) },
			func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") },
		} {
			line.Log(context.Background(), change(a))
			line.Log(context.Background(), change(b))
		}
	}
	if quick.String() != slow.String() || slow.Len() == 0 {
		t.Errorf("wrote\n%s\nslog\n%s", quick.String(), slow.String())
	}
}

func BenchmarkLine(b *testing.B) {
	log := slog.New(NewHandler(discard{}, nil))
	b.ReportAllocs()
	for b.Loop() {
		line := Line{At: time.Unix(1, 5), Text: "request", Attrs: []slog.Attr{
			slog.String("request_id", "5f2c1a00-0000-4000-8000-000000000000"), slog.String("principal", "arn:aws:sts::123456789012:assumed-role/R/d"), slog.Int("status", 200),
		}}
		line.Log(context.Background(), log)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
