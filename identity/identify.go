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

// Presented is what a device shows of itself.
type Presented struct {
	// CertificateID is that of Certificate, "" when the device presented none.
	CertificateID string

	// Certificate is what the device presented. What it says of its subject is
	// only as good as its registration. It is nil when only its id is known; such
	// a device is not identified unless the certificate is not registered either.
	Certificate *x509.Certificate

	// Thing is the value of x-amzn-iot-thingname, nil when it was not sent.
	Thing *string
}

// FromTLS reads what a device presented in a TLS handshake.
func FromTLS(state *tls.ConnectionState) Presented {
	if state == nil || len(state.PeerCertificates) == 0 {
		return Presented{}
	}
	leaf := state.PeerCertificates[0]
	return Presented{CertificateID: CertificateID(leaf.Raw), Certificate: leaf}
}

// Device is an identified device.
type Device struct {
	*thingpass.Device
	Thing     string // "" when none was named
	ThingType string // "" when the thing has none
	Presented Presented
}

// Attachment is the thing that the device speaks for, or nil.
func (d *Device) Attachment() *thingpass.Attachment {
	for i := range d.Things {
		if d.Thing != "" && d.Things[i].Thing == d.Thing {
			return &d.Things[i]
		}
	}
	return nil
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
// every call, because a connection outlives it. Errors wrap ErrCertificate or
// ErrThing, or say why it could not be found out; what was found until then is
// returned with them.
func (i *Identifier) Identify(ctx context.Context, p Presented) (Device, error) {
	device := Device{Presented: p}
	if p.CertificateID == "" {
		return device, refuse(ErrCertificate, "no client certificate")
	}
	known, err := i.Recent.Device(ctx, p.CertificateID)
	if thingpass.KindOf(err) == thingpass.NotFound {
		return device, refuse(ErrCertificate, "certificate "+p.CertificateID+" is not registered")
	}
	if err != nil {
		return device, err
	}
	device.Device = known
	leaf, now := p.Certificate, i.Now()
	switch {
	case known.Status != thingpass.Active:
		return device, refuse(ErrCertificate, "certificate "+p.CertificateID+" is "+string(known.Status))
	case leaf == nil:
		return device, refuse(ErrCertificate, "certificate "+p.CertificateID+" cannot be read")
	case Presentable(leaf) != nil: // no device gets here with it; why asks before one tries
		return device, refuse(ErrCertificate, "certificate "+p.CertificateID+" cannot pass the TLS handshake: "+Presentable(leaf).Error())
	case now.Before(leaf.NotBefore):
		return device, refuse(ErrCertificate, "certificate "+p.CertificateID+" is not valid before "+leaf.NotBefore.Format(time.RFC3339))
	case now.After(leaf.NotAfter):
		return device, refuse(ErrCertificate, "certificate "+p.CertificateID+" expired at "+leaf.NotAfter.Format(time.RFC3339))
	}
	return device.choose()
}

// choose finds the thing. Things are named, not guessed; the exception is a
// certificate attached to one thing exclusively.
func (d Device) choose() (Device, error) {
	name := d.Presented.Thing
	for i := range d.Things {
		a := &d.Things[i]
		if (name != nil && a.Thing == *name) || (name == nil && a.Exclusive) {
			d.Thing, d.ThingType = a.Thing, a.ThingType
			return d, nil
		}
	}
	if name != nil {
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
