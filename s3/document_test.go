package s3

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/thingpass/thingpass/wire"
)

// readDeletion reads a document as DeleteObjects does, and counts its keys.
func readDeletion(text io.Reader) (keys []string, err error) {
	d := newDocument(text)
	_, err = d.read("Delete", func(name string) error {
		if name != "Object" || len(keys) == maxDeletes {
			return errMalformedXML(nil)
		}
		e, err := readDeleteEntry(d)
		keys = append(keys, e.key)
		return err
	})
	return keys, err
}

func TestDocument(t *testing.T) {
	const ok = "<Delete><Object><Key>k</Key></Object></Delete>"
	for text, want := range map[string]string{
		ok: "k",
		"<?xml version='1.0' encoding='UTF-8'?>\n<Delete xmlns='x'>\n <Object>\n <Key>a&amp;&#xa;&#13; b</Key></Object><!-- c --><Object><Key/></Object></Delete>\n": "a&\n\r b|",
		"<Delete><Object><Key><![CDATA[<k>]]></Key></Object></Delete>": "<k>",
		"":                        "",
		"<Delete/>":               "",
		ok + ok:                   "MalformedXML",
		ok + "x":                  "MalformedXML",
		"<Delete>x</Delete>":      "MalformedXML",
		"<Other></Other>":         "MalformedXML",
		"<Delete><Object>":        "MalformedXML",
		"<Delete></Object>":       "MalformedXML",
		"<Delete><Key/></Delete>": "MalformedXML",
		"<Delete><Object><Key>&#x1;</Key></Object></Delete>":                               "MalformedXML",
		"<Delete><Object><Key>&x;</Key></Object></Delete>":                                 "MalformedXML",
		"<Delete><Object><Key><Key>k</Key></Key></Object></Delete>":                        "MalformedXML",
		"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>":                       "MalformedXML",
		"<Delete><Object><Q/></Object></Delete>":                                           "MalformedXML",
		`<!DOCTYPE a [<!ENTITY x "aaaa">]>` + ok:                                           "MalformedXML",
		"<Delete><Object><Key>" + strings.Repeat("k", 20<<10) + "</Key></Object></Delete>": "MalformedXML",
	} {
		keys, err := readDeletion(strings.NewReader(text))
		got := strings.Join(keys, "|")
		if e, ok := errors.AsType[*wire.Error](err); ok {
			got = e.Code
		}
		if got != want {
			t.Errorf("%.80q: %q, want %q (%v)", text, got, want, err)
		}
	}
}

// TestDocumentMemory: what is read of a hostile document costs little more than
// its first keys.
func TestDocumentMemory(t *testing.T) {
	for name, text := range map[string]string{
		"objects":    "<Delete>" + strings.Repeat("<Object/>", maxDeletion/9),
		"elements":   "<Delete><Object>" + strings.Repeat("<Q/>", maxDeletion/4),
		"depth":      "<Delete>" + strings.Repeat("<Object>", maxDeletion/8),
		"attributes": "<Delete" + strings.Repeat(" a=''", maxDeletion/5),
		"text":       "<Delete><Object><Key>" + strings.Repeat("k", maxDeletion),
		"pieces":     "<Delete><Object><Key>" + strings.Repeat("kkkk<!---->", maxDeletion/11),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := readDeletion(strings.NewReader(text)); err == nil {
				t.Error("was taken")
			}
			runtime.ReadMemStats(&after)
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 4<<20 {
				t.Errorf("%d bytes of memory", spent)
			}
		})
	}
}

func FuzzDocument(f *testing.F) {
	f.Add("<Delete><Quiet>true</Quiet><Object><Key>k</Key></Object></Delete>")
	f.Add("<Delete xmlns='x'><!-- c --><Object><Key>&#13;<![CDATA[k]]></Key><ETag/></Object></Delete> ")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := readDeletion(strings.NewReader(text))
		if len(keys) > maxDeletes {
			t.Errorf("%d keys", len(keys))
		}
		if err != nil && err.Error() == "" {
			t.Error(fmt.Errorf("no text: %w", err))
		}
	})
}
