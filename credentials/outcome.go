package credentials

import (
	"net/http"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/trail"
)

// How an exchange may end besides the steps of package trail at which it is
// refused.
const (
	OutcomeIssued              = "issued"
	OutcomeInternal            = "internal"             // the server failed
	OutcomeCertificateMissing  = "certificate-missing"  // the client sent none
	OutcomeCertificateUnknown  = "certificate-unknown"  // not registered
	OutcomeCertificateInactive = "certificate-inactive" // and so with other statuses, REVOKED apart
	OutcomeCertificateRevoked  = "certificate-revoked"
	OutcomeCertificateExpired  = "certificate-expired"
	OutcomeCertificateEarly    = "certificate-early" // it is not valid yet, or the clock of the server is behind
)

// Outcomes lists all of them with the statuses that go with them, most often.
func Outcomes() map[string]int {
	return map[string]int{
		OutcomeIssued: http.StatusOK, OutcomeInternal: http.StatusInternalServerError,
		OutcomeCertificateMissing: http.StatusForbidden, OutcomeCertificateUnknown: http.StatusForbidden,
		OutcomeCertificateInactive: http.StatusForbidden, OutcomeCertificateRevoked: http.StatusForbidden,
		OutcomeCertificateExpired: http.StatusForbidden, OutcomeCertificateEarly: http.StatusForbidden,
		trail.StepRequest: http.StatusNotFound, trail.StepThing: http.StatusForbidden, trail.StepIoTPolicy: http.StatusForbidden,
		trail.StepRoleAlias: http.StatusNotFound, trail.StepTrust: http.StatusBadRequest, trail.StepDuration: http.StatusBadRequest,
	}
}

// outcome is how the exchange ended, from a fixed set, for metrics.
func (x *exchange) outcome(status int) string {
	known, leaf := x.device.Device, x.presented.Certificate
	switch {
	case status == http.StatusOK:
		return OutcomeIssued
	case status >= http.StatusInternalServerError:
		return OutcomeInternal
	case x.stage != trail.StepCertificate:
		return x.stage
	case x.presented.CertificateID == "":
		return OutcomeCertificateMissing
	case known == nil:
		return OutcomeCertificateUnknown
	case known.Status == thingpass.Revoked:
		return OutcomeCertificateRevoked
	case known.Status != thingpass.Active:
		return OutcomeCertificateInactive
	case leaf != nil && x.now.Before(leaf.NotBefore):
		return OutcomeCertificateEarly
	}
	return OutcomeCertificateExpired
}
