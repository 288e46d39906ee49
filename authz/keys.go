package authz

import (
	"time"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// PrincipalKeys sets the condition keys that say who asks (IAM user guide, "AWS
// global condition context keys"; AWS IoT developer guide, "Authorizing direct
// calls to AWS services"). They replace what the request says of itself.
func (a *Authz) PrincipalKeys(keys *policy.Context, p *thingpass.Principal) {
	keys.Set("aws:ViaAWSService", "false")
	keys.Set("aws:RequestedRegion", a.Place.Region)
	keys.Set("aws:ResourceAccount", a.Place.Account)
	if p.Kind == thingpass.Nobody {
		keys.Set("aws:PrincipalAccount", anonymous)
		keys.Set("aws:PrincipalType", "Anonymous")
		keys.Set("aws:userid", anonymous)
		return
	}
	keys.Set("aws:PrincipalIsAWSService", boolean(p.Kind == thingpass.ServicePrincipal))
	if p.Kind == thingpass.ServicePrincipal {
		keys.Set("aws:PrincipalServiceName", p.Service)
		return
	}
	keys.Set("aws:PrincipalAccount", p.Account)
	keys.Set("aws:userid", p.UniqueID)
	for i := range p.Tags {
		keys.Set("aws:PrincipalTag/"+p.Tags[i].Key, p.Tags[i].Value)
	}
	switch p.Kind {
	case thingpass.UserPrincipal:
		keys.Set("aws:PrincipalArn", p.ARN)
		keys.Set("aws:PrincipalType", "User")
		keys.Set("aws:username", p.User)
		if p.Temporary {
			temporaryKeys(keys, p)
		}
	case thingpass.SessionPrincipal:
		keys.Set("aws:PrincipalArn", p.RoleARN)
		keys.Set("aws:PrincipalType", "AssumedRole")
		temporaryKeys(keys, p)
		if p.SourceIdentity != "" {
			keys.Set("aws:SourceIdentity", p.SourceIdentity)
		}
		a.deviceKeys(keys, p)
	}
}

// anonymous is the account and the id of who has not signed (IAM user guide,
// "AWS global condition context keys", and "Principal key values").
const anonymous = "anonymous"

// temporaryKeys sets what temporary credentials have. Nothing here asks for a
// second factor.
func temporaryKeys(keys *policy.Context, p *thingpass.Principal) {
	keys.Set("aws:TokenIssueTime", p.Issued.UTC().Format(time.RFC3339))
	keys.Set("aws:MultiFactorAuthPresent", "false")
}

// deviceKeys sets the keys of a device's session: those that were sealed into
// it, and the three of the credentials provider, each also in the spelling of
// AWS's launch article. A thing that was not named, and a type that a thing does
// not have, leave their keys absent.
func (a *Authz) deviceKeys(keys *policy.Context, p *thingpass.Principal) {
	for i := range p.DeviceKeys {
		switch k := &p.DeviceKeys[i]; {
		case k.List:
			keys.SetList(k.Name, k.Values)
		case len(k.Values) == 1:
			keys.Set(k.Name, k.Values[0])
		}
	}
	for _, v := range [...]struct{ key, alias, value string }{
		{awsDeviceKeys[0], "iot:certificateId", p.CertificateID},
		{awsDeviceKeys[1], "iot:thingName", p.Thing},
		{awsDeviceKeys[2], "iot:thingType", p.ThingType},
	} {
		if v.value == "" {
			continue
		}
		keys.Set(v.key, v.value)
		if !a.StrictVariables {
			keys.Set(v.alias, v.value)
		}
	}
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
