package iot

import (
	"context"

	"github.com/thingpass/thingpass/gate"
)

func (s *service) principalRows() []gate.Operation {
	return []gate.Operation{
		askingRow("AttachThingPrincipal", "PUT /things/{thingName}/principals", func(in *attachThingInput) []gate.Access {
			return s.askPrincipal("AttachThingPrincipal", &in.thingPrincipal)
		}, s.attachThingPrincipal),
		askingRow("DetachThingPrincipal", "DELETE /things/{thingName}/principals", func(in *thingPrincipal) []gate.Access {
			return s.askPrincipal("DetachThingPrincipal", in)
		}, s.detachThingPrincipal),
		row("ListThingPrincipals", "GET /things/{thingName}/principals",
			func(in *listThingPrincipalsInput) string { return s.Place.Thing(in.Thing) }, s.listThingPrincipals),
		row("ListPrincipalThings", "GET /principals/things",
			func(in *listPrincipalThingsInput) string { return text(in.Principal) }, s.listPrincipalThings),
	}
}

type thingPrincipal struct {
	Thing     string  `uri:"thingName"`
	Principal *string `header:"x-amzn-principal"`
}

// askPrincipal asks about the certificate; which thing it is about is a
// condition key (service authorization reference, AWS IoT).
func (s *service) askPrincipal(operation string, in *thingPrincipal) []gate.Access {
	a := ask(operation, text(in.Principal))
	a.Context = map[string][]string{"iot:thingArn": {s.Place.Thing(in.Thing)}}
	return []gate.Access{a}
}

type attachThingInput struct {
	thingPrincipal
	Type *string `query:"thingPrincipalType"`
}

func (s *service) attachThingPrincipal(ctx context.Context, _ *gate.Call, in *attachThingInput) (*none, error) {
	var c check
	c.text("thingName", in.Thing, thingRule)
	id := s.certificate(&c, "principal", in.Principal)
	c.optional("thingPrincipalType", in.Type, principalRule)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.AttachThing(ctx, in.Thing, id, text(in.Type) == exclusive)
}

func (s *service) detachThingPrincipal(ctx context.Context, _ *gate.Call, in *thingPrincipal) (*none, error) {
	var c check
	c.text("thingName", in.Thing, thingRule)
	id := s.certificate(&c, "principal", in.Principal)
	if err := c.err(); err != nil {
		return nil, err
	}
	return &none{}, s.Store.DetachThing(ctx, in.Thing, id)
}

type listThingPrincipalsInput struct {
	tokenPage
	Thing string `uri:"thingName"`
}

type thingPrincipalsOutput struct {
	Principals []string `json:"principals"`
	NextToken  string   `json:"nextToken,omitempty"`
}

func (s *service) listThingPrincipals(ctx context.Context, _ *gate.Call, in *listThingPrincipalsInput) (*thingPrincipalsOutput, error) {
	var c check
	c.text("thingName", in.Thing, thingRule)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.ThingCertificates(ctx, in.Thing, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, same)
	return &thingPrincipalsOutput{each(some, s.Place.Certificate), next}, nil
}

type listPrincipalThingsInput struct {
	tokenPage
	Principal *string `header:"x-amzn-principal"`
}

type principalThingsOutput struct {
	Things    []string `json:"things"`
	NextToken string   `json:"nextToken,omitempty"`
}

func (s *service) listPrincipalThings(ctx context.Context, _ *gate.Call, in *listPrincipalThingsInput) (*principalThingsOutput, error) {
	var c check
	id := s.certificate(&c, "principal", in.Principal)
	page := in.page(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	all, err := s.Store.CertificateThings(ctx, id, page)
	if err != nil {
		return nil, err
	}
	some, next := cut(all, page, same)
	return &principalThingsOutput{each(some, same), next}, nil
}
