package credentials

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/thingpass/thingpass/authz"
	"github.com/thingpass/thingpass/trail"
	"github.com/thingpass/thingpass/wire"
)

func newRecord(at time.Time, remote string) *trail.Record {
	return &trail.Record{ID: uuid.NewString(), At: at, Door: trail.DeviceDoor, Service: "iot", Operation: operation, Remote: remote}
}

// passed notes that the present step went well.
func (x *exchange) passed(detail string, v *authz.Verdict) {
	x.record.Add(step(x.stage, true, detail, v))
}

// refused is because, for what policies decided.
func (x *exchange) refused(answer wire.Error, reason error, v authz.Verdict) error {
	x.record.Add(step(x.stage, false, reason.Error(), &v))
	return because(answer, reason)
}

func step(name string, ok bool, detail string, v *authz.Verdict) trail.Step {
	s := trail.Step{Name: name, OK: ok, Detail: detail}
	if v != nil {
		s.Asked = v.Asked
	}
	return s
}

// describe completes the record of an exchange that is over.
func (d *Door) describe(x *exchange, status int) {
	x.record.Status = status
	if x.record.Failure == "" && status == http.StatusOK {
		if p, err := d.cfg.Sessions.Principal(x.issued); err == nil {
			x.record.Principal = p
		}
	}
	leaf := x.presented.Certificate
	if x.presented.CertificateID == "" {
		return
	}
	device := &trail.Device{CertificateID: x.presented.CertificateID, Named: x.presented.Thing != nil, Thing: x.device.Thing, ThingType: x.device.ThingType}
	x.record.Device = device
	if device.Named {
		device.ThingNamed = strings.Clone(shorten(*x.presented.Thing))
	}
	if leaf != nil {
		device.NotBefore, device.NotAfter = leaf.NotBefore, leaf.NotAfter
		if x.record.Failure == trail.StepCertificate { // else it says nothing, and takes its time
			device.Issuer = shorten(leaf.Issuer.String())
		}
	}
	known := x.device.Device
	if known == nil {
		return
	}
	device.Status, device.Policies = known.Status, known.PolicyNames
	for i := range known.Things {
		device.Things = append(device.Things, known.Things[i].Thing)
	}
	if a := x.device.Attachment(); a != nil && len(a.GroupPolicies) > 0 {
		device.Policies = device.Policies[:len(device.Policies):len(device.Policies)]
		for i := range a.GroupPolicies {
			device.Policies = append(device.Policies, a.GroupPolicies[i].Name)
		}
	}
}

// finish writes the audit line of an exchange and keeps its record.
func (d *Door) finish(ctx context.Context, x *exchange, status int) {
	ended := d.cfg.Now()
	took := ended.Sub(x.now)
	if d.cfg.Observe != nil {
		d.cfg.Observe(strconv.Itoa(status), x.outcome(status), took)
	}
	if d.cfg.Trail != nil {
		d.describe(x, status)
		d.cfg.Trail.Keep(x.record)
	}
	level, decision := slog.LevelInfo, "allow"
	if status != http.StatusOK {
		decision = "deny"
	}
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := append(make([]slog.Attr, 0, 13),
		slog.String("request_id", x.record.ID),
		slog.String("remote", x.record.Remote),
		slog.String("principal", x.presented.CertificateID),
		slog.String("thing", x.device.Thing),
		slog.String("action", "iot:"+operation),
		slog.String("resource", d.cfg.Place.RoleAlias(shorten(x.alias))),
		slog.String("role", x.record.Role),
		slog.String("decision", decision),
		slog.String("reason", x.reason),
		slog.Int("status", status),
		slog.Duration("took", took),
	)
	if !x.expiry.IsZero() {
		attrs = append(attrs, slog.String("access_key", x.record.AccessKeyID), slog.Time("expires", x.expiry))
	}
	line := trail.Line{At: ended, Level: level, Text: "exchange", Attrs: attrs}
	line.Log(ctx, d.cfg.Log)
}

// shorten bounds a text that a caller chose.
func shorten(s string) string {
	if len(s) <= 128 {
		return s
	}
	return s[:128] + "…"
}
