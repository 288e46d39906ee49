package thingpass

import "strings"

// Partition is the only ARN partition an installation uses.
const Partition = "aws"

// Place is the account and region that an installation serves. Both are part
// of the ARNs of everything in it.
type Place struct {
	Account string // 12 digits
	Region  string // for example us-east-1
}

func (p Place) iam(rest string) string {
	return "arn:" + Partition + ":iam::" + p.Account + ":" + rest
}

func (p Place) sts(rest string) string {
	return "arn:" + Partition + ":sts::" + p.Account + ":" + rest
}

func (p Place) iot(rest string) string {
	return "arn:" + Partition + ":iot:" + p.Region + ":" + p.Account + ":" + rest
}

// Root is the ARN of the account itself.
func (p Place) Root() string { return p.iam("root") }

// Role is the ARN of a role. The path starts and ends with a slash.
func (p Place) Role(path, name string) string { return p.iam("role" + path + name) }

// User is the ARN of a user. The path starts and ends with a slash.
func (p Place) User(path, name string) string { return p.iam("user" + path + name) }

// AssumedRole is the ARN of a role session; the role's path is not part of it.
func (p Place) AssumedRole(role, session string) string {
	return p.sts("assumed-role/" + role + "/" + session)
}

// RoleAlias is the ARN of a role alias.
func (p Place) RoleAlias(name string) string { return p.iot("rolealias/" + name) }

// Policy is the ARN of an IoT policy.
func (p Place) Policy(name string) string { return p.iot("policy/" + name) }

// Certificate is the ARN of a device certificate.
func (p Place) Certificate(id string) string { return p.iot("cert/" + id) }

// Thing is the ARN of a thing.
func (p Place) Thing(name string) string { return p.iot("thing/" + name) }

// ThingType is the ARN of a thing type.
func (p Place) ThingType(name string) string { return p.iot("thingtype/" + name) }

// ThingGroup is the ARN of a thing group.
func (p Place) ThingGroup(name string) string { return p.iot("thinggroup/" + name) }

// ManagedPolicy is the ARN of a managed policy. The path starts and ends with a
// slash.
func (p Place) ManagedPolicy(path, name string) string { return p.iam("policy" + path + name) }

// ParseManagedPolicyARN splits the ARN of a managed policy of this account into
// path and name.
func (p Place) ParseManagedPolicyARN(arn string) (path, name string, ok bool) {
	return cutPath(arn, p.iam("policy/"))
}

// ParseRoleARN splits the ARN of a role of this account into path and name.
func (p Place) ParseRoleARN(arn string) (path, name string, ok bool) {
	return cutPath(arn, p.iam("role/"))
}

// ParseUserARN splits the ARN of a user of this account into path and name.
func (p Place) ParseUserARN(arn string) (path, name string, ok bool) {
	return cutPath(arn, p.iam("user/"))
}

func cutPath(arn, prefix string) (path, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, prefix)
	if !ok || rest == "" {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '/') + 1
	return "/" + rest[:i], rest[i:], rest[i:] != ""
}

// ParseAssumedRoleARN splits the ARN of a role session of this account into
// the names of the role and of the session.
func (p Place) ParseAssumedRoleARN(arn string) (role, session string, ok bool) {
	rest, ok := strings.CutPrefix(arn, p.sts("assumed-role/"))
	if !ok {
		return "", "", false
	}
	role, session, _ = strings.Cut(rest, "/")
	if role == "" || session == "" {
		return "", "", false
	}
	return role, session, true
}

// ParseIoTARN splits the ARN of an IoT resource of this account and region
// into its kind ("cert", "thing", "policy", "rolealias", "thingtype",
// "thinggroup") and name.
func (p Place) ParseIoTARN(arn string) (kind, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, p.iot(""))
	if !ok {
		return "", "", false
	}
	kind, name, ok = strings.Cut(rest, "/")
	return kind, name, ok && name != ""
}
