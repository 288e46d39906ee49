source "$STEPS"
host=${ENDPOINT#https://}
cat >config <<END
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
access_token = $AWS_SESSION_TOKEN
host_base = $host
host_bucket = $host
bucket_location = $AWS_DEFAULT_REGION
ca_certs_file = $CA
use_https = True
END
chmod 600 config
s3cmd() { command s3cmd --config config --no-progress "$@"; }
at="s3://$BUCKET/$PREFIX"

s3cmd put small "$at/small"
ok put
s3cmd get "$at/small" got
cmp small got
ok get
s3cmd ls "$at/" | grep -q " 4096 .*$PREFIX/small$"
ok list
s3cmd put --multipart-chunk-size-mb=16 "$BIG" "$at/big"
ok multipart
head -c "$offset" "$BIG" >resumed
s3cmd get --continue "$at/big" resumed
tail -c 1048577 resumed | cmp - tail-of-big
rm resumed
ok range
s3cmd cp "$at/small" "$at/copy"
s3cmd get --force "$at/copy" got
cmp small got
ok copy
s3cmd put --add-header=x-amz-tagging:colour=red small "$at/tagged"
ok tag
cannot "presign: s3cmd signurl leaves the session token out"
refuse s3cmd put small "s3://$BUCKET/other/$PREFIX"
refuse s3cmd get --force "s3://$BUCKET/other/secret" got
refuse s3cmd ls "s3://$BUCKET/other/"
ok refused
s3cmd del --recursive --force "$at/"
[[ -z $(s3cmd ls "$at/") ]]
ok delete
