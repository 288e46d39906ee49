package main

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"strconv"
)

// largeSize is 64 MiB.
const largeSize = 64 << 20

// bareFiles is a file server that does for a PUT what the embedded store must do:
// it computes MD5, and SHA-256 when the client has signed it, writes a temporary
// file, and makes it durable before it answers.
func bareFiles(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if r.Method != http.MethodPut {
		http.ServeFile(w, r, name)
		return
	}
	etag, err := bareSave(r, name+"-put")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Etag", etag)
}

func bareSave(r *http.Request, name string) (etag string, err error) {
	f, err := os.CreateTemp(".", "put-")
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := md5.New()
	to := []io.Writer{f, sum}
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	signed := sha256.New()
	if len(claimed) == 2*sha256.Size {
		to = append(to, signed)
	}
	if _, err := io.CopyBuffer(io.MultiWriter(to...), r.Body, make([]byte, 64<<10)); err != nil {
		return "", err
	}
	if len(to) == 3 && hex.EncodeToString(signed.Sum(nil)) != claimed {
		return "", http.ErrBodyNotAllowed
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return "", err
	}
	dir, err := os.Open(".")
	if err != nil {
		return "", err
	}
	defer func() { _ = dir.Close() }()
	return hex.EncodeToString(sum.Sum(nil)), dir.Sync()
}

// upstream is an S3 engine that answers at once and keeps nothing.
func upstream() http.Handler {
	content := make([]byte, largeSize)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Etag", `"d41d8cd98f00b204e9800998ecf8427e"`)
		if r.Method == http.MethodPut {
			_, _ = io.CopyBuffer(io.Discard, struct{ io.Reader }{r.Body}, make([]byte, 256<<10))
			return
		}
		size := objectSize
		if path.Base(r.URL.Path) == "large" {
			size = largeSize
		}
		h.Set("Content-Length", strconv.Itoa(size))
		h.Set("Content-Type", "binary/octet-stream")
		h.Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		if r.Method == http.MethodGet {
			_, _ = w.Write(content[:size])
		}
	})
}

// bareProxy is the reference for the gateway: a ReverseProxy and nothing else, but
// that it hashes a large body whose hash is signed. Its transport keeps as many
// connections as there are clients.
func bareProxy(to string) (http.Handler, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if claimed := r.Header.Get("X-Amz-Content-Sha256"); r.ContentLength == largeSize && len(claimed) == 2*sha256.Size {
			r.Body = &hashed{ReadCloser: r.Body, sum: sha256.New(), claimed: claimed}
		}
		proxy.ServeHTTP(w, r)
	}), nil
}

// hashed is a body that ends with an error when it is not the claimed one.
type hashed struct {
	io.ReadCloser
	sum     hash.Hash
	claimed string
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(h.sum.Sum(nil)) != h.claimed { //nolint:errorlint // io.Reader's contract
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
