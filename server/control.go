package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/handshake"
	"github.com/thingpass/thingpass/why"
)

// The control socket is how the command line asks a running server on the same
// machine: HTTP with JSON over a Unix socket in the data folder. Only the user
// that runs the server may open it, and whoever can read the data folder needs
// no other proof. It answers questions; it changes nothing.

const (
	fileControl = "control.sock"

	// maxSocketPath is how long the path of a Unix socket may be on every system
	// that we run on, in bytes; Linux takes 107.
	maxSocketPath = 100

	maxControlBody = 2 << 20
)

// The questions that the control socket answers. Each is a POST.
const (
	controlWhy = "/why"
	controlAsk = "/ask"
	controlTry = "/try"

	controlHandshakes = "/handshakes"
)

// WhyRequest asks for the explanation of a kept decision.
type WhyRequest struct {
	RequestID string `json:"requestId"`
}

// controlError is an answer that is not a success.
type controlError struct {
	Message string `json:"message"`
}

// socketPath calls use with a path by which a socket in a folder can be bound or
// reached, even if its real path is too long for a socket's address.
func socketPath(dir string, use func(path string) error) error {
	path := filepath.Join(dir, fileControl)
	if len(path) <= maxSocketPath {
		return use(path)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	return use(filepath.Join("/proc/self/fd", strconv.FormatUint(uint64(folder.Fd()), 10), fileControl))
}

// listenControl opens the control socket. One that was left by a server that
// died is replaced; one that answers belongs to a running server.
func listenControl(dir string) (l *net.UnixListener, err error) {
	err = socketPath(dir, func(path string) error {
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close()
			return fmt.Errorf("another server runs on %s", dir)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
			return err
		}
		l.SetUnlinkOnClose(false) // by then the path may lead elsewhere: see removeControl
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}

func removeControl(dir string) error {
	err := os.Remove(filepath.Join(dir, fileControl))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// controlHandler answers the command line.
func (s *Server) controlHandler(x *why.Explainer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+controlWhy, answering(s.cfg.Log, func(ctx context.Context, in WhyRequest) (*why.Explanation, error) {
		return x.Request(ctx, in.RequestID)
	}))
	mux.Handle("POST "+controlAsk, answering(s.cfg.Log, x.Ask))
	mux.Handle("POST "+controlTry, answering(s.cfg.Log, x.Try))
	mux.Handle("POST "+controlHandshakes, answering(s.cfg.Log, func(context.Context, struct{}) (*handshake.Report, error) {
		return &handshake.Report{Failures: s.handshakes.Recent()}, nil
	}))
	return mux
}

// answering makes a handler of a function from JSON to JSON.
func answering[In, Out any](log *slog.Logger, f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			writeControl(w, http.StatusBadRequest, controlError{"read the question: " + err.Error()})
			return
		}
		out, err := f(r.Context(), in)
		switch thingpass.KindOf(err) {
		case thingpass.NotFound:
			writeControl(w, http.StatusNotFound, controlError{err.Error()})
		case thingpass.Internal, thingpass.Unavailable:
			if err == nil {
				writeControl(w, http.StatusOK, out)
				return
			}
			log.Error("control socket", "path", r.URL.Path, "cause", err.Error())
			writeControl(w, http.StatusInternalServerError, controlError{err.Error()})
		default:
			writeControl(w, http.StatusBadRequest, controlError{err.Error()})
		}
	})
}

func writeControl(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
}

// Control asks the running server of a data folder.
type Control struct {
	dir  string
	http *http.Client
}

// NewControl returns a client for the server that runs on a data folder, on this
// machine and as this user.
func NewControl(dir string) *Control {
	return &Control{dir: dir, http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (c net.Conn, err error) {
			err = socketPath(dir, func(path string) error {
				c, err = new(net.Dialer).DialContext(ctx, "unix", path)
				return err
			})
			return c, err
		},
	}}}
}

// Why explains a kept decision.
func (c *Control) Why(ctx context.Context, requestID string) (*why.Explanation, error) {
	return ask[why.Explanation](ctx, c, controlWhy, WhyRequest{requestID})
}

// Ask answers a question that nobody sent.
func (c *Control) Ask(ctx context.Context, q why.Question) (*why.Explanation, error) {
	return ask[why.Explanation](ctx, c, controlAsk, q)
}

// Try replays the kept decisions against a policy that is not saved.
func (c *Control) Try(ctx context.Context, candidate why.Candidate) (*why.Report, error) {
	return ask[why.Report](ctx, c, controlTry, candidate)
}

// Handshakes lists the handshakes that failed lately.
func (c *Control) Handshakes(ctx context.Context) (*handshake.Report, error) {
	return ask[handshake.Report](ctx, c, controlHandshakes, struct{}{})
}

func ask[Out any](ctx context.Context, c *Control, path string, in any) (*Out, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var e controlError
		if json.Unmarshal(raw, &e) != nil || e.Message == "" {
			e.Message = resp.Status
		}
		return nil, errors.New(e.Message)
	}
	out := new(Out)
	return out, json.Unmarshal(raw, out)
}

// unreachable puts in plain words why nobody answered.
func (c *Control) unreachable(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the server on %s runs as another user: ask as that one", c.dir)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no server runs on %s: decisions are kept in its memory, so it must run (thingpass serve --data %s)", c.dir, c.dir)
	}
	return err
}
