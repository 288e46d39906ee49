package checksum

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// Published values: the check values of the CRC catalogue, and those of the
// algorithms' own test suites.
func TestVectors(t *testing.T) {
	tested := map[string]bool{}
	for _, v := range []struct{ name, text, sum string }{
		{"crc32", "123456789", "cbf43926"},
		{"crc32c", "123456789", "e3069283"},
		{"crc64nvme", "123456789", "ae8b14860a799888"},
		{"sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"sha512", "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
		{"md5", "abc", "900150983cd24fb0d6963f7d28e17f72"},
		{"xxhash64", "", "ef46db3751d8e999"},
		{"xxhash64", "abc", "44bc2cf5ad770999"},
		{"xxhash3", "", "2d06800538d394c2"},
		{"xxhash3", "abc", "78af5f94892f3950"},
		{"xxhash128", "", "99aa06d3014798d86001c324468d497f"},
		{"xxhash128", "abc", "06b05ab6733a618578af5f94892f3950"},
	} {
		a, ok := Find(strings.ToUpper(v.name))
		if !ok || a.Name != v.name {
			t.Fatalf("%s is not found", v.name)
		}
		tested[v.name] = true
		h := a.New()
		if h.Size() != a.Size {
			t.Errorf("%s: size %d, and %d", v.name, h.Size(), a.Size)
		}
		_, _ = h.Write([]byte(v.text))
		sum := h.Sum([]byte("before"))[len("before"):]
		if got := hex.EncodeToString(sum); got != v.sum {
			t.Errorf("%s of %q: %s, want %s", v.name, v.text, got, v.sum)
		}
		if back, ok := a.Decode(Encode(sum)); !ok || !slices.Equal(back, sum) {
			t.Errorf("%s does not come back from %s", v.name, Encode(sum))
		}
	}
	for _, name := range Names() {
		if !tested[name] {
			t.Errorf("%s has no vector", name)
		}
	}
	if a, ok := Find("crc"); ok || a.New != nil {
		t.Error("crc is found")
	}
}

// A checksum has one text.
func TestDecode(t *testing.T) {
	a, _ := Find("crc32")
	for _, text := range []string{"", "AAAA", "AAAAAA", "AAAAAA=", "AAAAAB==", "AAAA AA==", "AAAA\nAA==", "AAAAAA==-1", "AAAAAAA=", "____AA=="} {
		if sum, ok := a.Decode(text); ok {
			t.Errorf("%q is %x", text, sum)
		}
	}
}

// Joining gives what the parts in a row have.
func TestJoin(t *testing.T) {
	texts := []string{"", "a", strings.Repeat("first part ", 1000), strings.Repeat("\x00", 4097), "last"}
	for _, name := range Names() {
		a, _ := Find(name)
		if !a.Joins() {
			continue
		}
		sum := func(text string) []byte {
			h := a.New()
			_, _ = h.Write([]byte(text))
			return h.Sum(nil)
		}
		for _, first := range texts {
			for _, second := range texts {
				if got := a.Join(sum(first), sum(second), int64(len(second))); !slices.Equal(got, sum(first+second)) {
					t.Errorf("%s: %d and %d bytes make %x, want %x", name, len(first), len(second), got, sum(first+second))
				}
			}
		}
	}
}
