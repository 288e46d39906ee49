package thingtest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"time"

	"github.com/thingpass/thingpass/sigv4"
)

// Device calls the device door with its certificate.
type Device struct {
	Endpoint string
	HTTP     *http.Client
}

// Exchange asks for credentials. alias is put into the path as it stands;
// thing may be "". The answer is returned whatever its status.
func (d *Device) Exchange(ctx context.Context, alias, thing string) (*Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Endpoint+"/role-aliases/"+alias+"/credentials", nil)
	if err != nil {
		return nil, err
	}
	if thing != "" {
		r.Header.Set("x-amzn-iot-thingname", thing)
	}
	return send(d.HTTP, r)
}

// Credentials asks for credentials and reads them; a refusal is an *Error.
func (d *Device) Credentials(ctx context.Context, alias, thing string) (sigv4.Credentials, time.Time, error) {
	resp, err := d.Exchange(ctx, alias, thing)
	if err != nil {
		return sigv4.Credentials{}, time.Time{}, err
	}
	if err := resp.Err(); err != nil {
		return sigv4.Credentials{}, time.Time{}, err
	}
	var out struct {
		Credentials struct {
			AccessKeyID     string    `json:"accessKeyId"`
			SecretAccessKey string    `json:"secretAccessKey"`
			SessionToken    string    `json:"sessionToken"`
			Expiration      time.Time `json:"expiration"`
		} `json:"credentials"`
	}
	if err := json.Unmarshal(resp.Body, &out); err != nil {
		return sigv4.Credentials{}, time.Time{}, err
	}
	c := out.Credentials
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}, c.Expiration, nil
}

// Enrol has the server sign a certificate for a key and registers it, active.
// It returns the certificate with its key, and the certificate's id.
func (c *Client) Enrol(ctx context.Context, key crypto.Signer, commonName string) (tls.Certificate, string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}}, key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	var out struct{ CertificateID, CertificatePem string }
	err = c.Call(ctx, http.MethodPost, "/certificates?setAsActive=true", map[string]string{"certificateSigningRequest": string(csr)}, &out)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	block, _ := pem.Decode([]byte(out.CertificatePem))
	if block == nil {
		return tls.Certificate{}, "", fmt.Errorf("the server answered no certificate")
	}
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}, out.CertificateID, nil
}
