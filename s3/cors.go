package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/thingpass/thingpass/objects"
	"github.com/thingpass/thingpass/wire"
)

// Rules say which pages of other origins may use a bucket from a browser (user
// guide, "Using cross-origin resource sharing (CORS)"). They allow nothing by
// themselves: a request needs its signature and its permission whatever they
// say, and a browser keeps to them only for the sake of its user.

// corsSetting is the name under which a bucket's rules are kept, as they are
// answered.
const corsSetting = "cors"

// Limits of a configuration (API reference, "PutBucketCors": 64 KB, 100 rules; "CORSRule": ID).
const (
	maxCORSRules = 100
	maxCORSID    = 255 // bytes
)

type corsRules struct {
	XMLName xml.Name   `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CORSConfiguration"`
	Rules   []corsRule `xml:"CORSRule"`
}

type corsRule struct {
	ID      string   `xml:",omitempty"`
	Headers []string `xml:"AllowedHeader"` // each with one * at most, like the origins
	Methods []string `xml:"AllowedMethod"`
	Origins []string `xml:"AllowedOrigin"`
	Expose  []string `xml:"ExposeHeader"`
	MaxAge  *int     `xml:"MaxAgeSeconds,omitempty"`
}

// corsMethods are those that a rule may allow.
var corsMethods = []string{"GET", "PUT", "HEAD", "POST", "DELETE"}

func (s *service) putCORS(x *exchange) error {
	var rules corsRules
	_, err := x.document(maxConfiguration, "CORSConfiguration", func(d *document, name string) error {
		if name != "CORSRule" {
			return errMalformedXML(fmt.Errorf("element %s", name))
		}
		if len(rules.Rules) == maxCORSRules {
			return errRequest("The number of CORS rules should not exceed allowed limit of 100 rules.")
		}
		rule, err := readCORSRule(d)
		rules.Rules = append(rules.Rules, rule)
		return err
	})
	if err == nil && len(rules.Rules) == 0 {
		err = errMalformedXML(errors.New("no rule"))
	}
	if err != nil {
		return err
	}
	return s.keep(x, corsSetting, rules)
}

// readCORSRule reads a rule that has been begun.
func readCORSRule(d *document) (r corsRule, err error) {
	seen := map[string]bool{}
	err = d.each(func(name string) error {
		v, err := d.text()
		if err != nil {
			return err
		}
		if (name == "ID" || name == "MaxAgeSeconds") && seen[name] {
			return errMalformedXML(fmt.Errorf("%s is given twice", name))
		}
		seen[name] = true
		return r.set(name, v)
	})
	if err == nil && (len(r.Methods) == 0 || len(r.Origins) == 0) {
		err = errMalformedXML(errors.New("a rule without methods or origins"))
	}
	return r, err
}

// set takes one element of a rule. What will stand in a header of an answer must
// be able to.
func (r *corsRule) set(name, v string) error {
	if name == "ID" {
		if r.ID = v; len(v) > maxCORSID {
			return errRequest("The ID of a CORS rule must not be longer than 255 characters.")
		}
		return nil
	}
	if v == "" || strings.ContainsFunc(v, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return errMalformedXML(fmt.Errorf("%s %q", name, v))
	}
	switch name {
	case "AllowedMethod":
		if !slices.Contains(corsMethods, v) {
			return errRequest("Found unsupported HTTP method in CORS config. Unsupported method is " + v)
		}
		r.Methods = append(r.Methods, v)
	case "AllowedOrigin", "AllowedHeader":
		if strings.Count(v, "*") > 1 {
			return errRequest(name + ` "` + v + `" can not have more than one wildcard.`)
		}
		if name == "AllowedOrigin" {
			r.Origins = append(r.Origins, v)
		} else {
			r.Headers = append(r.Headers, v)
		}
	case "ExposeHeader":
		if strings.Contains(v, "*") {
			return errRequest(`ExposeHeader "` + v + `" contains wildcard. We currently do not support wildcard for ExposeHeader.`)
		}
		r.Expose = append(r.Expose, v)
	case "MaxAgeSeconds":
		n, ok := digits(v)
		if !ok || n > 1<<31-1 {
			return errMalformedXML(fmt.Errorf("%s %q", name, v))
		}
		age := int(n)
		r.MaxAge = &age
	default:
		return errMalformedXML(fmt.Errorf("element %s", name))
	}
	return nil
}

// preflightRow is the row of what browsers ask beforehand (API reference,
// "OPTIONS object").
func preflightRow() row {
	return row{name: "PreflightRequest", method: http.MethodOptions, level: onObject, serve: (*service).allowOrigin}
}

// preflight answers what a browser asks beforehand: here, or by the engine that
// has the bucket.
func (s *service) preflight(x *exchange) error {
	h := x.r.Header
	if h.Get("Origin") == "" {
		return errBadRequest("Insufficient information. Origin request header needed.")
	}
	if method := h.Get("Access-Control-Request-Method"); !slices.Contains(corsMethods, method) {
		if method == "" {
			method = "null"
		}
		return errBadRequest("Invalid Access-Control-Request-Method: " + method)
	}
	if x.level != onService && !s.embeds(x.bucket) {
		return s.forward(x, x.op)
	}
	return s.allowOrigin(x)
}

func errBadRequest(text string) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: "BadRequest", Message: text}
}

// allowOrigin answers a preflight request by the bucket's rules. It asks for
// no permission, so that it must not say whether there is such a bucket.
func (s *service) allowOrigin(x *exchange) error {
	asked := x.r.Header
	rules, err := s.corsOf(x.r, x.target)
	if err != nil {
		return err
	}
	if len(rules) == 0 {
		return x.errCORS("CORSResponse: CORS is not enabled for this bucket.")
	}
	origin, method := asked.Get("Origin"), asked.Get("Access-Control-Request-Method")
	headers, ok := listed(asked["Access-Control-Request-Headers"])
	for i := range rules {
		r := &rules[i]
		if allowed := r.allowed(origin, method); ok && allowed != "" && r.allowsHeaders(headers) {
			r.write(x.w.Header(), allowed)
			if len(headers) > 0 {
				x.w.Header().Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
			}
			x.w.Header().Set("Content-Length", "0")
			x.w.WriteHeader(http.StatusOK)
			return nil
		}
	}
	return x.errCORS("CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, " +
		"request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.")
}

// errCORS refuses a preflight request, in S3's words.
func (x *exchange) errCORS(text string) error {
	kind := "BUCKET"
	if x.level == onObject {
		kind = "OBJECT"
	}
	return &wire.Error{Status: http.StatusForbidden, Code: "AccessForbidden", Message: text,
		Fields: []wire.Field{{Name: "Method", Value: x.r.Header.Get("Access-Control-Request-Method")}, {Name: "ResourceType", Value: kind}}}
}

// crossOrigin adds to the answer of a request with an origin what the bucket's
// rules say of it. A bucket of an engine has its rules there. What cannot be
// read adds nothing: a browser then shows the page nothing.
func (s *service) crossOrigin(answer http.Header, r *http.Request) {
	if r.Method == http.MethodOptions {
		return
	}
	t, err := s.parse(r)
	if err != nil || t.level == onService || !s.embeds(t.bucket) {
		return
	}
	rules, err := s.corsOf(r, t)
	if err != nil {
		return
	}
	method := r.Header.Get("Access-Control-Request-Method") // which S3 believes in any request
	if method == "" {
		method = r.Method
	}
	for i := range rules {
		if allowed := rules[i].allowed(r.Header.Get("Origin"), method); allowed != "" {
			rules[i].write(answer, allowed)
			return
		}
	}
}

// allowed is what to answer an origin as allowed: itself, or * if the rule is
// for all, or "" when it is not.
func (r *corsRule) allowed(origin, method string) string {
	if !slices.Contains(r.Methods, method) {
		return ""
	}
	for _, pattern := range r.Origins {
		if pattern == "*" {
			return pattern
		}
		if fits(pattern, origin) {
			return origin
		}
	}
	return ""
}

// allowsHeaders tells whether each of the headers is allowed. Their names have no
// case.
func (r *corsRule) allowsHeaders(names []string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(r.Headers, func(p string) bool { return fits(strings.ToLower(p), strings.ToLower(name)) }) {
			return false
		}
	}
	return true
}

// fits matches a pattern with one * at most, which stands for any text.
func fits(pattern, s string) bool {
	before, after, any := strings.Cut(pattern, "*")
	if !any {
		return pattern == s
	}
	return len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
}

// maxAskedHeaders bounds how many headers a preflight request may ask for: an
// upload has some ten.
const maxAskedHeaders = 64

// listed splits the names of headers that are asked for; false when there are
// too many, or one is no name.
func listed(values []string) (names []string, ok bool) {
	for _, v := range values {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if names = append(names, name); len(names) > maxAskedHeaders || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
				return nil, false
			}
		}
	}
	return names, true
}

// write says what the rule allows. The answer is another for another origin,
// which caches must know.
func (r *corsRule) write(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", strings.Join(r.Methods, ", "))
	if len(r.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(r.Expose, ", "))
	}
	if r.MaxAge != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(*r.MaxAge))
	}
	if origin != "*" {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
}

// corsOf reads the rules of a bucket of the embedded store: none when it has
// none, or there is no such bucket.
func (s *service) corsOf(r *http.Request, t *target) ([]corsRule, error) {
	if t.level == onService || s.Objects == nil {
		return nil, nil
	}
	text, err := s.Objects.Setting(r.Context(), t.bucket, corsSetting)
	if errors.Is(err, objects.ErrNoSetting) || errors.Is(err, objects.ErrNoSuchBucket) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.cors.parse(text)
}

// corsCache keeps rules that have been parsed, by their text: who asks
// beforehand has shown no signature, and should cost little.
type corsCache struct {
	mu    sync.Mutex
	rules map[string][]corsRule
}

// maxCORSTexts is how many are kept: some MiB when each is as long as can be.
const maxCORSTexts = 64

func (c *corsCache) parse(text string) ([]corsRule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rules, ok := c.rules[text]; ok {
		return rules, nil
	}
	var v corsRules
	if err := xml.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("read the CORS rules of a bucket: %w", err)
	}
	if c.rules == nil || len(c.rules) >= maxCORSTexts {
		c.rules = make(map[string][]corsRule)
	}
	c.rules[text] = v.Rules
	return v.Rules, nil
}
