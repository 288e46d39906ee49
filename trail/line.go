package trail

import (
	"context"
	"log/slog"
	"time"
)

// Line is an audit line.
type Line struct {
	At    time.Time
	Level slog.Level
	Text  string // what was asked for: "request" or "exchange"
	Attrs []slog.Attr
}

// Log hands a line to the handler of a log. slog.Logger would look up the
// place in the source for each, which no audit line shows.
func (l *Line) Log(ctx context.Context, log *slog.Logger) {
	h := log.Handler()
	if !h.Enabled(ctx, l.Level) {
		return
	}
	record := slog.NewRecord(l.At, l.Level, l.Text, 0)
	record.AddAttrs(l.Attrs...)
	_ = h.Handle(ctx, record) // a log that cannot be written has nowhere to say so
}
