package s3

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/thingpass/thingpass/upstream"
)

// What is in this file are requests whose documents could have an engine write
// somewhere else than was authorised, with its own permissions: they are read,
// and made anew from what is harmless.

// elsewhere refuses the configurations that are about writing to another bucket.
func (f *forwarding) elsewhere() error {
	switch f.op.name {
	case "PutBucketReplication", "PutBucketInventoryConfiguration", "PutBucketAnalyticsConfiguration":
		return errNotImplemented("a configuration that names another bucket")
	}
	return nil
}

// logging forwards that there is to be no logging, which would be to another
// bucket.
func (f *forwarding) logging() error {
	const root = "BucketLoggingStatus"
	found, err := f.document(maxConfiguration, root, func(*document, string) error {
		return errNotImplemented("a configuration that names another bucket")
	})
	if err == nil && !found {
		err = errMalformedXML(errors.New("no document"))
	}
	if err != nil {
		return err
	}
	return f.made(`<` + root + ` xmlns="` + namespace + `"/>`)
}

// restore forwards for how many days an object is to be restored, and how fast.
// The rest of S3's RestoreRequest is about putting what is in the object into
// another bucket.
func (f *forwarding) restore() error {
	days, tier := 0, ""
	readTier := func(name, text string) error {
		tier = strings.TrimSpace(text)
		if name != "Tier" || tier != "Standard" && tier != "Bulk" && tier != "Expedited" {
			return errMalformedXML(fmt.Errorf("%s of a restore", name))
		}
		return nil
	}
	found, err := f.document(maxConfiguration, "RestoreRequest", func(d *document, name string) error {
		switch name {
		case "Days":
			text, err := d.text()
			if err == nil {
				days, err = strconv.Atoi(strings.TrimSpace(text))
			}
			if err != nil || days < 1 || days > 1<<31-1 {
				return errMalformedXML(errors.Join(errors.New("days of a restore"), err))
			}
			return nil
		case "Tier":
			text, err := d.text()
			if err != nil {
				return err
			}
			return readTier(name, text)
		case "GlacierJobParameters":
			return d.fields(readTier)
		}
		return errNotImplemented(name + " of a restore")
	})
	if err == nil && !found {
		err = errMalformedXML(errors.New("no document"))
	}
	if err != nil {
		return err
	}
	text := `<RestoreRequest xmlns="` + namespace + `">`
	if days > 0 {
		text += "<Days>" + strconv.Itoa(days) + "</Days>"
	}
	if tier != "" {
		text += "<GlacierJobParameters><Tier>" + tier + "</Tier></GlacierJobParameters>"
	}
	return f.made(text + "</RestoreRequest>")
}

// made forwards a request with a document that was made here.
func (f *forwarding) made(text string) error {
	q, err := f.request()
	if err != nil {
		return err
	}
	f.replaceDocument(q, text)
	return f.passOn(q)
}

// replaceDocument is setDocument for a request whose own document had checksums.
func (f *forwarding) replaceDocument(q *upstream.Request, text string) {
	for _, name := range checksumHeaders {
		q.Header.Del(name)
	}
	setDocument(q, text)
}
