package iot

import (
	"context"
	"strings"

	"github.com/thingpass/thingpass/gate"
)

func (s *service) endpointRows() []gate.Operation {
	return []gate.Operation{
		row("DescribeEndpoint", "GET /endpoint", nil, s.describeEndpoint),
	}
}

type describeEndpointInput struct {
	Type *string `query:"endpointType"`
}

type describeEndpointOutput struct {
	Address string `json:"endpointAddress"`
}

// hosts are the names that AWS gives to the endpoints that are not served
// here. They never change for an installation: Terraform would plan a change.
var hosts = map[string]string{
	"iot:Data":          ".iot.",
	"iot:Data-ATS":      "-ats.iot.",
	"iot:Data-Beta":     ".beta.iot.",
	"iot:Jobs":          ".jobs.iot.",
	"iot:DeviceAdvisor": ".deviceadvisor.iot.",
}

// describeEndpoint names the address of the device door for
// iot:CredentialProvider; without its port when that is 443, because many
// devices put it into "https://…" or a TLS server name as it is.
func (s *service) describeEndpoint(ctx context.Context, _ *gate.Call, in *describeEndpointInput) (*describeEndpointOutput, error) {
	kind := "iot:Data"
	var c check
	c.optional("endpointType", in.Type, endpointRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.Type != nil {
		kind = *in.Type
	}
	if kind == "iot:CredentialProvider" {
		return &describeEndpointOutput{strings.TrimSuffix(s.DeviceEndpoint, ":443")}, nil
	}
	middle, ok := hosts[kind]
	if !ok {
		return nil, invalid("Endpoint type %s not recognized.", kind)
	}
	prefix, err := s.Store.Endpoint(ctx)
	if err != nil {
		return nil, err
	}
	return &describeEndpointOutput{prefix + middle + s.Place.Region + ".amazonaws.com"}, nil
}
