package identity

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/store"
)

// The two ways in which a device is not who it would have to be. Reasons for
// the log are wrapped around them; the device is told no more than these.
var (
	ErrCertificate = errors.New("certificate is invalid on this endpoint")
	ErrThing       = errors.New("invalid thing name passed")
)

// Device is an identified device.
type Device struct {
	*thingpass.Device
	Thing     string // "" when none was named
	ThingType string // "" when the thing has none

	// Certificate is what the device presented. It is registered, but what it
	// says of its subject is only as good as its registration.
	Certificate *x509.Certificate
}

// Identifier identifies devices. Its fields are set before first use.
type Identifier struct {
	Recent *store.Recent // reads no older than a second
	Now    func() time.Time
}

// CertificateID is the lower-case hex SHA-256 of a certificate's DER (AWS IoT
// API reference, "CertificateId").
func CertificateID(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Identify tells which device presented its certificate, and which of the
// things attached to it it speaks for. The certificate's status is read for
// every call, because a connection outlives it. header is the value of
// x-amzn-iot-thingname, and named tells whether it was sent. Errors wrap
// ErrCertificate or ErrThing, or say why it could not be found out.
func (i *Identifier) Identify(ctx context.Context, state *tls.ConnectionState, header string, named bool) (Device, error) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return Device{}, refuse(ErrCertificate, "no client certificate")
	}
	leaf := state.PeerCertificates[0]
	id := CertificateID(leaf.Raw)
	known, err := i.Recent.Device(ctx, id)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return Device{}, refuse(ErrCertificate, "certificate "+id+" is not registered")
	}
	if err != nil {
		return Device{}, err
	}
	device := Device{Device: known, Certificate: leaf}
	now := i.Now()
	switch {
	case known.Status != thingpass.Active:
		return device, refuse(ErrCertificate, "certificate "+id+" is "+string(known.Status))
	case now.Before(leaf.NotBefore):
		return device, refuse(ErrCertificate, "certificate "+id+" is not valid before "+leaf.NotBefore.Format(time.RFC3339))
	case now.After(leaf.NotAfter):
		return device, refuse(ErrCertificate, "certificate "+id+" expired at "+leaf.NotAfter.Format(time.RFC3339))
	}
	return device.choose(header, named)
}

// choose finds the thing. Things are named, not guessed; the exception is a
// certificate attached to one thing exclusively.
func (d Device) choose(header string, named bool) (Device, error) {
	for _, a := range d.Things {
		if (named && a.Thing == header) || (!named && a.Exclusive) {
			d.Thing, d.ThingType = a.Thing, a.ThingType
			return d, nil
		}
	}
	if named {
		return d, refuse(ErrThing, "the named thing is not attached to certificate "+d.CertificateID)
	}
	return d, nil
}

type refusal struct {
	kind   error
	reason string
}

func refuse(kind error, reason string) error { return &refusal{kind, reason} }

func (r *refusal) Error() string { return r.reason }
func (r *refusal) Unwrap() error { return r.kind }
