# Shared by the scripts, which each do the same steps with one client and say
# "ok STEP" after each, or "cannot STEP: why" for what the client has no way to
# do. They are given ENDPOINT, BUCKET, PREFIX, CA, BIG, a file of 200 MiB, and
# the credentials of a session; the working folder is theirs.
set -euo pipefail
head -c 4096 "$BIG" >small
tail -c 1048577 "$BIG" >tail-of-big
size=$(stat -c %s "$BIG")
offset=$((size - 1048577))

ok() { echo "ok $1"; }
cannot() { echo "cannot $1"; }

# refuse COMMAND...: fails unless the command does, for want of permission.
refuse() {
	if "$@" >refusal 2>&1; then
		echo "was not refused: $*"
		return 1
	fi
	grep -qiE 'access ?denied|not authorized|forbidden|403|not permitted|permission' refusal || {
		echo "was refused otherwise: $*"
		cat refusal
		return 1
	}
}
