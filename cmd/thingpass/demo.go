package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/thingpass/thingpass/server"
	"github.com/thingpass/thingpass/sigv4"
	"github.com/thingpass/thingpass/thingtest"
)

type demoCmd struct{}

func (demoCmd) Run(ctx context.Context) error {
	server.Tune()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := thingtest.Start(ctx, thingtest.Options{})
	if err != nil {
		return err
	}
	d := &demo{ctx: ctx, out: os.Stdout, width: widthOf(os.Stdout), server: s}
	return errors.Join(d.run(), s.Close())
}

// demo tells the story of the mission through the doors that everybody uses.
type demo struct {
	ctx    context.Context
	out    io.Writer
	width  int // of the terminal, 0 for none
	server *thingtest.Server
	step   int

	bulb, lamp demoDevice
	keys       sigv4.Credentials // what bulbthing was issued
}

type demoDevice struct {
	*thingtest.Device
	thing         string
	certificateID string
}

const (
	demoBucket = "vincent-iot"
	demoRole   = "CameraRole"
	demoAlias  = "cameras"
	demoPolicy = "may-use-cameras"
	demoTrust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"credentials.iot.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	demoAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::vincent-iot/${credentials-iot:ThingName}/*"}]}`
)

func (d *demo) run() error {
	for _, step := range []func() error{
		d.installation, d.setUp, d.exchange, d.upload, d.fence, d.wrongThing, d.killSwitch,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(d.out, `
Try it yourself:    thingpass init --data ./thingpass-data && thingpass serve --data ./thingpass-data
Then, elsewhere:    source ./thingpass-data/admin.env && aws iot describe-endpoint --endpoint-type iot:CredentialProvider
The whole set-up with the AWS CLI, step by step, is in README.md.
(With go run, write "go run ./cmd/thingpass" where this says "thingpass".)
`)
	return err
}

// say prints one step: a number, a title, what was done, and what came of it.
func (d *demo) say(title, what, result string) {
	d.step++
	if result != "" {
		what = fmt.Sprintf("%-58s  %s", what, result)
	}
	_, _ = fmt.Fprintln(d.out, wrapped(fmt.Sprintf("%2d  %-13s %s", d.step, title, what), d.width, 18))
}

func (d *demo) installation() error {
	place := d.server.Installation().Place()
	d.say("installation", fmt.Sprintf("account %s, region %s, all in one folder", place.Account, place.Region), "")
	return nil
}

// setUp makes the calls that the AWS CLI makes for the seed's set-up.
func (d *demo) setUp() error {
	admin, place := d.server.Admin, d.server.Installation().Place()
	if _, err := admin.S3(d.ctx, http.MethodPut, "/"+demoBucket, nil); err != nil {
		return fmt.Errorf("create bucket: %w", err)
	}
	if _, err := admin.Query(d.ctx, "iam", "CreateRole", "RoleName", demoRole, "AssumeRolePolicyDocument", demoTrust); err != nil {
		return fmt.Errorf("create role: %w", err)
	}
	if _, err := admin.Query(d.ctx, "iam", "PutRolePolicy", "RoleName", demoRole, "PolicyName", "own-folder", "PolicyDocument", demoAccess); err != nil {
		return fmt.Errorf("put role policy: %w", err)
	}
	permission := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:AssumeRoleWithCertificate","Resource":%q}]}`, place.RoleAlias(demoAlias))
	for _, call := range []struct {
		path string
		body map[string]any
	}{
		{"/role-aliases/" + demoAlias, map[string]any{"roleArn": place.Role("/", demoRole), "credentialDurationSeconds": 3600}},
		{"/policies/" + demoPolicy, map[string]any{"policyDocument": permission}},
		{"/thing-types/camera", map[string]any{}},
	} {
		if err := admin.Call(d.ctx, http.MethodPost, call.path, call.body, nil); err != nil {
			return fmt.Errorf("POST %s: %w", call.path, err)
		}
	}
	for _, dev := range []*demoDevice{&d.bulb, &d.lamp} {
		dev.thing = "bulbthing"
		if dev == &d.lamp {
			dev.thing = "lampthing"
		}
		if err := d.enrol(dev); err != nil {
			return fmt.Errorf("enrol %s: %w", dev.thing, err)
		}
	}
	d.say("set-up", "bucket, role, trust policy, alias, IoT policy, two things: the calls the AWS CLI makes", "")
	return nil
}

// enrol creates a thing, has a certificate signed for a new key, and attaches
// both and the policy to each other.
func (d *demo) enrol(dev *demoDevice) error {
	admin, place := d.server.Admin, d.server.Installation().Place()
	if err := admin.Call(d.ctx, http.MethodPost, "/things/"+dev.thing, map[string]any{"thingTypeName": "camera"}, nil); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, id, err := admin.Enrol(d.ctx, key, dev.thing)
	if err != nil {
		return err
	}
	dev.certificateID, dev.Device = id, d.server.Device(cert)
	principal := place.Certificate(id)
	if err := admin.Call(d.ctx, http.MethodPut, "/target-policies/"+demoPolicy, map[string]any{"target": principal}, nil); err != nil {
		return err
	}
	return admin.CallWith(d.ctx, http.MethodPut, "/things/"+dev.thing+"/principals", http.Header{"X-Amzn-Principal": {principal}}, nil, nil)
}

func (d *demo) exchange() error {
	keys, expires, err := d.bulb.Credentials(d.ctx, demoAlias, d.bulb.thing)
	if err != nil {
		return fmt.Errorf("exchange: %w", err)
	}
	d.keys = keys
	d.say("exchange", "bulbthing  GET /role-aliases/"+demoAlias+"/credentials", "200, keys until "+expires.Local().Format("15:04:05"))
	return nil
}

func (d *demo) upload() error {
	device, path := d.server.Client(d.keys), "/"+demoBucket+"/bulbthing/hello.txt"
	content := []byte("hello from a device that holds no long-lived key\n")
	if _, err := device.S3(d.ctx, http.MethodPut, path, content); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	back, err := device.S3(d.ctx, http.MethodGet, path, nil)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	if !bytes.Equal(back.Body, content) {
		return errors.New("download: it is not what was uploaded")
	}
	d.say("upload", "s3:/"+path, "stored, read back, equal")
	return nil
}

func (d *demo) fence() error {
	path := "/" + demoBucket + "/lampthing/hello.txt"
	for _, method := range []string{http.MethodPut, http.MethodGet} {
		_, err := d.server.Client(d.keys).S3(d.ctx, method, path, nil)
		if err := refused(err, "AccessDenied"); err != nil {
			return fmt.Errorf("%s of the other device's object: %w", method, err)
		}
	}
	d.say("fence", "s3:/"+path, "AccessDenied, to write and to read")
	return nil
}

func (d *demo) wrongThing() error {
	_, _, err := d.bulb.Credentials(d.ctx, demoAlias, d.lamp.thing)
	if err := refused(err, "AccessDeniedException"); err != nil {
		return fmt.Errorf("exchange with the other device's thing: %w", err)
	}
	d.say("wrong thing", "x-amzn-iot-thingname: lampthing", err.Error())
	return nil
}

// killSwitch revokes the certificate and waits for its keys to stop working.
func (d *demo) killSwitch() error {
	if err := d.server.Admin.Call(d.ctx, http.MethodPut, "/certificates/"+d.bulb.certificateID+"?newStatus=REVOKED", nil, nil); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	revoked := time.Now()
	device := d.server.Client(d.keys)
	for {
		_, err := device.S3(d.ctx, http.MethodGet, "/"+demoBucket+"/bulbthing/hello.txt", nil)
		took := time.Since(revoked)
		if err != nil {
			if err := refused(err, "InvalidAccessKeyId"); err != nil {
				return fmt.Errorf("use of a revoked device's keys: %w", err)
			}
			d.say("kill switch", "certificate of bulbthing revoked", fmt.Sprintf("its keys refused after %.1f s", took.Seconds()))
			break
		}
		if took > 2*time.Second {
			return errors.New("the keys of a revoked device still work")
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, _, err := d.bulb.Credentials(d.ctx, demoAlias, d.bulb.thing)
	if err := refused(err, "AccessDeniedException"); err != nil {
		return fmt.Errorf("exchange with a revoked certificate: %w", err)
	}
	d.say("", "bulbthing asks for new ones", err.Error())
	return nil
}

// refused is nil when err is the refusal that was expected.
func refused(err error, code string) error {
	e, ok := errors.AsType[*thingtest.Error](err)
	switch {
	case err == nil:
		return fmt.Errorf("it was allowed; %s was expected", code)
	case !ok:
		return err
	case e.Code != code:
		return fmt.Errorf("%s was expected, not: %w", code, err)
	}
	return nil
}
