package main

// need is what a skipped test says that it lacks, and how to get it.
type need struct {
	said     string   // part of the text
	packages []string // of Debian
	step     string   // a command besides
}

var needs = []need{
	{said: "PostgreSQL", packages: []string{"postgresql"}},
	{said: "the AWS CLI", packages: []string{"awscli"}},
	{said: "needs node", packages: []string{"nodejs", "npm"}, step: npmStep},
	{said: "needs Node.js", packages: []string{"nodejs", "npm"}, step: npmStep},
	{said: "needs npm ci", packages: []string{"npm"}, step: npmStep},
	{said: "boto3 1.36", step: "python3 -m pip install --user 'boto3>=1.36'   # Debian's is older"},
	{said: "needs boto3", packages: []string{"python3-boto3"}},
	{said: "libfaketime", packages: []string{"faketime"}},
	{said: "needs curl", packages: []string{"curl"}},
	{said: "needs wget", packages: []string{"wget"}},
	{said: "needs openssl", packages: []string{"openssl"}},
	{said: "needs rclone", packages: []string{"rclone"}},
	{said: "needs s3cmd", packages: []string{"s3cmd"}},
	{said: "needs restic", packages: []string{"restic"}},
	{said: "needs s3fs", packages: []string{"s3fs"}},
	{said: "needs fusermount3", packages: []string{"fuse3"}},
	{said: "FUSE does not work", step: "# s3fs: a machine or container where /dev/fuse may be used"},
	{said: "needs promtool", packages: []string{"prometheus"}},
	{said: "needs systemd-analyze", packages: []string{"systemd"}},
	{said: "ceph's gateway", packages: []string{"radosgw", "ceph-mon", "ceph-osd", "ceph-common"}},
	{said: "needs bash", packages: []string{"bash"}},
	{said: "needs stat", packages: []string{"coreutils"}},
}

const npmStep = "(cd test/clients && npm ci --ignore-scripts)"
