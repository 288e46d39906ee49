package rig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/thingpass/thingpass/thingtest"
)

// SetUp names what Prepare makes.
type SetUp struct {
	Role        string
	Alias       string
	IoTPolicy   string
	Permissions string // the role's inline policy document
	Duration    int    // seconds; 0 for the default, 3600
	Devices     int
}

// Device is a registered certificate with its key.
type Device struct {
	Certificate tls.Certificate
	PEM, KeyPEM []byte
	ID          string
	ARN         string
}

const trust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
	"Principal": {"Service": "credentials.iot.amazonaws.com"}}]}`

// Prepare makes a role, its alias, an IoT policy that allows the alias, and
// that many devices with the policy attached, by the calls that an operator
// makes.
func Prepare(ctx context.Context, c *thingtest.Client, want SetUp) ([]Device, error) {
	roleARN, err := CreateRole(ctx, c, want.Role, want.Permissions)
	if err != nil {
		return nil, err
	}
	var alias struct{ RoleAliasARN string }
	in := map[string]any{"roleArn": roleARN}
	if want.Duration > 0 {
		in["credentialDurationSeconds"] = want.Duration
	}
	err = c.Call(ctx, http.MethodPost, "/role-aliases/"+url.PathEscape(want.Alias), in, &alias)
	if err != nil {
		return nil, err
	}
	document := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Action": "iot:AssumeRoleWithCertificate", "Resource": %q}]}`, alias.RoleAliasARN)
	if err := c.Call(ctx, http.MethodPost, "/policies/"+want.IoTPolicy, map[string]any{"policyDocument": document}, nil); err != nil {
		return nil, err
	}
	devices := make([]Device, want.Devices)
	for n := range devices {
		if devices[n], err = Register(ctx, c, want.IoTPolicy); err != nil {
			return nil, err
		}
	}
	return devices, nil
}

// CreateRole makes a role that the device door may assume, with one inline
// policy, and returns its ARN.
func CreateRole(ctx context.Context, c *thingtest.Client, name, permissions string) (string, error) {
	answer, err := c.Query(ctx, "iam", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust)
	if err != nil {
		return "", fmt.Errorf("create role %q: %w", name, err)
	}
	var made struct {
		ARN string `xml:"CreateRoleResult>Role>Arn"`
	}
	if err := xml.Unmarshal(answer.Body, &made); err != nil {
		return "", fmt.Errorf("create role %q: %w", name, err)
	}
	_, err = c.Query(ctx, "iam", "PutRolePolicy",
		"RoleName", name, "PolicyName", "permissions", "PolicyDocument", permissions)
	return made.ARN, err
}

// Register makes a P-256 key and a self-signed certificate, registers it
// without a CA as ACTIVE, and attaches an IoT policy to it.
func Register(ctx context.Context, c *thingtest.Client, policy string) (Device, error) {
	d, err := newDevice()
	if err != nil {
		return Device{}, err
	}
	var made struct{ CertificateARN, CertificateID string }
	in := map[string]any{"certificatePem": string(d.PEM), "status": "ACTIVE"}
	if err := c.Call(ctx, http.MethodPost, "/certificate/register-no-ca", in, &made); err != nil {
		return Device{}, err
	}
	d.ARN, d.ID = made.CertificateARN, made.CertificateID
	err = c.Call(ctx, http.MethodPut, "/target-policies/"+url.PathEscape(policy), map[string]any{"target": d.ARN}, nil)
	return d, err
}

func newDevice() (Device, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Device{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Device{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "device " + serial.Text(36)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Device{}, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Device{}, err
	}
	d := Device{
		PEM:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
	d.Certificate, err = tls.X509KeyPair(d.PEM, d.KeyPEM)
	return d, err
}

// Unregistered makes a key and a certificate that no server knows.
func Unregistered() (Device, error) { return newDevice() }
