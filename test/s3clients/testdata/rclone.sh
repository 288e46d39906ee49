source "$STEPS"
unset AWS_CA_BUNDLE # its SDK would want to change a transport that is rclone's
export RCLONE_CONFIG=$PWD/none RCLONE_CA_CERT=$CA RCLONE_S3_NO_CHECK_BUCKET=true RCLONE_RETRIES=1
export RCLONE_CONFIG_T_TYPE=s3 RCLONE_CONFIG_T_PROVIDER=Other RCLONE_CONFIG_T_ENDPOINT=$ENDPOINT RCLONE_CONFIG_T_ENV_AUTH=true
touch none
at="T:$BUCKET/$PREFIX"

rclone copyto small "$at/small"
ok put
rclone copyto "$at/small" got
cmp small got
ok get
[[ $(rclone lsf --format ps "$at/") == "small;4096" ]]
ok list
rclone copyto --s3-upload-cutoff 5M --s3-chunk-size 16M "$BIG" "$at/big"
ok multipart
rclone cat --offset "$offset" "$at/big" | cmp - tail-of-big
ok range
rclone copyto "$at/small" "$at/copy"
rclone cat "$at/copy" | cmp - small
ok copy
rclone copyto --header-upload "x-amz-tagging: colour=red" small "$at/tagged"
ok tag
curl -sS --fail --cacert "$CA" "$(rclone link --expire 5m "$at/small")" -o got
cmp small got
ok presign
refuse rclone copyto small "T:$BUCKET/other/$PREFIX"
refuse rclone cat "T:$BUCKET/other/secret"
refuse rclone lsf "T:$BUCKET/other/"
ok refused
rclone delete "$at/"
[[ -z $(rclone lsf "$at/") ]]
ok delete
