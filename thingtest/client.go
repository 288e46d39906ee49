package thingtest

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// Client signs requests to the signed door.
type Client struct {
	Endpoint    string
	Region      string
	Credentials sigv4.Credentials
	Now         func() time.Time
	HTTP        *http.Client
}

// Response is an answer, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error is an answer that is not a success.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// Do signs and sends one request. path is sent as it stands, so it must be
// escaped. An answer is returned whatever its status.
func (c *Client) Do(ctx context.Context, service, method, path string, header http.Header, body []byte) (*Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.Endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	sigv4.Sign(r, c.Credentials, c.Region, service, c.Now(), sigv4.PayloadHash(body))
	return send(c.HTTP, r)
}

func send(client *http.Client, r *http.Request) (*Response, error) {
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, err
}

// Call sends a REST-JSON request of AWS IoT. in may be nil, a value to encode
// or a string that is JSON already; out may be nil.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	return c.CallWith(ctx, method, path, nil, in, out)
}

// CallWith is Call with headers.
func (c *Client) CallWith(ctx context.Context, method, path string, header http.Header, in, out any) error {
	var body []byte
	var err error
	if text, ok := in.(string); ok {
		body = []byte(text)
	} else if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := c.Do(ctx, "iot", method, path, header, body)
	if err != nil {
		return err
	}
	if err := resp.Err(); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(resp.Body, out)
}

// Query sends a request of the query protocol, for example to IAM: the
// parameters are names and values in turn.
func (c *Client) Query(ctx context.Context, service, action string, parameters ...string) (*Response, error) {
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	if service == "sts" {
		form.Set("Version", "2011-06-15")
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	resp, err := c.Do(ctx, service, http.MethodPost, "/", header, []byte(form.Encode()))
	if err != nil {
		return nil, err
	}
	return resp, resp.Err()
}

// S3 sends an S3 request; an answer that is not a success is an error.
func (c *Client) S3(ctx context.Context, method, path string, body []byte) (*Response, error) {
	resp, err := c.Do(ctx, "s3", method, path, nil, body)
	if err != nil {
		return nil, err
	}
	return resp, resp.Err()
}

// Err is nil for a success, and an *Error otherwise.
func (r *Response) Err() error {
	if r.Status < 300 {
		return nil
	}
	e := &Error{Status: r.Status, Code: r.Header.Get("X-Amzn-Errortype")}
	var asJSON struct{ Message string }
	var asXML struct {
		Code    string
		Message string
		Error   struct{ Code, Message string }
	}
	switch {
	case json.Unmarshal(r.Body, &asJSON) == nil:
		e.Message = asJSON.Message
	case strings.HasPrefix(strings.TrimSpace(string(r.Body)), "<") && xml.Unmarshal(r.Body, &asXML) == nil:
		e.Code, e.Message = asXML.Code+asXML.Error.Code, asXML.Message+asXML.Error.Message
	}
	return e
}
