package iot

import (
	"context"
	"strings"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/gate"
	"github.com/thingpass/thingpass/identity"
	"github.com/thingpass/thingpass/wire"
)

func (s *service) certificateRows() []gate.Operation {
	return []gate.Operation{
		row("CreateKeysAndCertificate", "POST /keys-and-certificate", nil, s.createKeys),
		row("CreateCertificateFromCsr", "POST /certificates", nil, s.createFromCSR),
		row("RegisterCertificateWithoutCA", "POST /certificate/register-no-ca", nil, s.register),
		row("DescribeCertificate", "GET /certificates/{certificateId}", s.certificateARN, s.describeCertificate),
		row("UpdateCertificate", "PUT /certificates/{certificateId}",
			func(in *updateCertificateInput) string { return s.Place.Certificate(in.ID) }, s.updateCertificate),
		row("DeleteCertificate", "DELETE /certificates/{certificateId}",
			func(in *deleteCertificateInput) string { return s.Place.Certificate(in.ID) }, s.deleteCertificate),
		row("ListCertificates", "GET /certificates", nil, s.listCertificates),
	}
}

// Modes of a certificate. Those registered without a CA can be used with SNI
// only, as AWS says of them; here it makes no difference.
const (
	modeDefault = "DEFAULT"
	modeSNI     = "SNI_ONLY"
)

type certificateInput struct {
	ID string `uri:"certificateId"`
}

func (s *service) certificateARN(in *certificateInput) string { return s.Place.Certificate(in.ID) }

type certificateOutput struct {
	ARN string `json:"certificateArn"`
	ID  string `json:"certificateId"`
	PEM string `json:"certificatePem,omitempty"`
}

type keysInput struct {
	Active bool `query:"setAsActive"`
}

type keyPair struct {
	Public  string `json:"PublicKey"`
	Private string `json:"PrivateKey"`
}

type keysOutput struct {
	certificateOutput
	KeyPair keyPair `json:"keyPair"`
}

// createKeys is the only answer that ever holds a private key. It is kept
// nowhere.
func (s *service) createKeys(ctx context.Context, _ *gate.Call, in *keysInput) (*keysOutput, error) {
	pem, cert, private, public, err := s.Issuer.NewKeyPair()
	if err != nil {
		return nil, err
	}
	out, err := s.save(ctx, cert, status(in.Active), modeDefault)
	if err != nil {
		return nil, err
	}
	out.PEM = pem
	return &keysOutput{*out, keyPair{public, private.Reveal()}}, nil
}

type csrInput struct {
	CSR    *string `json:"certificateSigningRequest"`
	Active bool    `query:"setAsActive"`
}

func (s *service) createFromCSR(ctx context.Context, _ *gate.Call, in *csrInput) (*certificateOutput, error) {
	var c check
	csr := c.required("certificateSigningRequest", in.CSR, csrRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	pem, cert, err := s.Issuer.IssueFromCSR(csr)
	if err != nil {
		return nil, err
	}
	out, err := s.save(ctx, cert, status(in.Active), modeDefault)
	if err != nil {
		return nil, err
	}
	out.PEM = pem
	return out, nil
}

type registerInput struct {
	PEM    *string `json:"certificatePem"`
	Status *string `json:"status"`
}

func (s *service) register(ctx context.Context, call *gate.Call, in *registerInput) (*certificateOutput, error) {
	var c check
	pem := c.required("certificatePem", in.PEM, pemRule)
	c.optional("status", in.Status, statusRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	as := thingpass.Inactive
	if in.Status != nil {
		as = thingpass.CertificateStatus(*in.Status)
	}
	if err := settable(as); err != nil {
		return nil, err
	}
	cert, warnings, err := identity.ParseCertificatePEM(pem)
	if err != nil {
		return nil, err
	}
	out, err := s.save(ctx, cert, as, modeSNI)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		s.Log.WarnContext(ctx, "certificate registered with a warning", "certificate_id", cert.ID, "warning", w)
	}
	if len(warnings) > 0 {
		call.Note("registered with a warning: " + strings.Join(warnings, "; "))
	}
	return out, nil
}

func status(active bool) thingpass.CertificateStatus {
	if active {
		return thingpass.Active
	}
	return thingpass.Inactive
}

// settable refuses the statuses that a caller may not give to a certificate
// (API reference, UpdateCertificate): two are for AWS's own use, and
// REGISTER_INACTIVE is deprecated.
func settable(s thingpass.CertificateStatus) error {
	switch s {
	case thingpass.Active, thingpass.Inactive, thingpass.Revoked:
		return nil
	}
	return invalid("The certificate status %s cannot be set. Use ACTIVE, INACTIVE or REVOKED", s)
}

// save registers a certificate.
func (s *service) save(ctx context.Context, cert thingpass.Certificate, as thingpass.CertificateStatus, mode string) (*certificateOutput, error) {
	cert.Status, cert.Mode, cert.Created = as, mode, s.Now()
	if err := s.Store.CreateCertificate(ctx, cert); err != nil {
		return nil, err
	}
	return &certificateOutput{ARN: s.Place.Certificate(cert.ID), ID: cert.ID}, nil
}

type validity struct {
	NotBefore wire.Epoch `json:"notBefore"`
	NotAfter  wire.Epoch `json:"notAfter"`
}

type certificateDescription struct {
	ARN        string     `json:"certificateArn"`
	ID         string     `json:"certificateId"`
	Status     string     `json:"status"`
	PEM        string     `json:"certificatePem"`
	Owner      string     `json:"ownedBy"`
	Created    wire.Epoch `json:"creationDate"`
	Modified   wire.Epoch `json:"lastModifiedDate"`
	Version    int64      `json:"customerVersion"`
	Transfer   struct{}   `json:"transferData"` // AWS sends it empty when there was no transfer
	Generation string     `json:"generationId"`
	Validity   validity   `json:"validity"`
	Mode       string     `json:"certificateMode"`
}

type describeCertificateOutput struct {
	Description certificateDescription `json:"certificateDescription"`
}

func (s *service) describeCertificate(ctx context.Context, _ *gate.Call, in *certificateInput) (*describeCertificateOutput, error) {
	var c check
	c.text("certificateId", in.ID, certIDRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	cert, err := s.Store.Certificate(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &describeCertificateOutput{certificateDescription{
		ARN: s.Place.Certificate(cert.ID), ID: cert.ID, Status: string(cert.Status), PEM: identity.EncodePEM(cert.DER), Owner: s.Place.Account,
		Created: wire.Epoch(cert.Created), Modified: wire.Epoch(cert.Modified), Version: cert.Version, Generation: cert.Generation,
		Validity: validity{wire.Epoch(cert.NotBefore), wire.Epoch(cert.NotAfter)}, Mode: cert.Mode,
	}}, nil
}

type updateCertificateInput struct {
	ID     string  `uri:"certificateId"`
	Status *string `query:"newStatus"`
}

func (s *service) updateCertificate(ctx context.Context, _ *gate.Call, in *updateCertificateInput) (*none, error) {
	var c check
	c.text("certificateId", in.ID, certIDRule)
	to := thingpass.CertificateStatus(c.required("newStatus", in.Status, statusRule))
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := settable(to); err != nil {
		return nil, err
	}
	return &none{}, s.Store.UpdateCertificateStatus(ctx, in.ID, to)
}

type deleteCertificateInput struct {
	ID    string `uri:"certificateId"`
	Force bool   `query:"forceDelete"`
}

func (s *service) deleteCertificate(ctx context.Context, _ *gate.Call, in *deleteCertificateInput) (*none, error) {
	var c check
	c.text("certificateId", in.ID, certIDRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DeleteCertificate(ctx, in.ID, in.Force)
}

type certificateItem struct {
	ARN     string     `json:"certificateArn"`
	ID      string     `json:"certificateId"`
	Status  string     `json:"status"`
	Mode    string     `json:"certificateMode"`
	Created wire.Epoch `json:"creationDate"`
}

type listCertificatesOutput struct {
	Certificates []certificateItem `json:"certificates"`
	NextMarker   string            `json:"nextMarker,omitempty"`
}

func (s *service) listCertificates(ctx context.Context, _ *gate.Call, in *orderedPage) (*listCertificatesOutput, error) {
	var c check
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.Certificates(ctx, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, func(c thingpass.Certificate) string { return c.ID })
	return &listCertificatesOutput{each(some, func(c thingpass.Certificate) certificateItem {
		return certificateItem{s.Place.Certificate(c.ID), c.ID, string(c.Status), c.Mode, wire.Epoch(c.Created)}
	}), next}, nil
}
