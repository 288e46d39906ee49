source "$STEPS"
aws() { "$AWS" --endpoint-url "$ENDPOINT" "$@"; }
at="s3://$BUCKET/$PREFIX"

aws s3 cp --no-progress small "$at/small"
ok put
aws s3 cp --no-progress "$at/small" got
cmp small got
ok get
aws s3 ls "$at/" | grep -q ' 4096 small$'
ok list
aws s3 cp --no-progress "$BIG" "$at/big"
ok multipart
aws s3api get-object --bucket "$BUCKET" --key "$PREFIX/big" --range "bytes=$offset-" range >/dev/null
cmp range tail-of-big
ok range
aws s3 cp --no-progress "$at/small" "$at/copy"
aws s3 cp --no-progress "$at/copy" got
cmp small got
ok copy
aws s3api put-object-tagging --bucket "$BUCKET" --key "$PREFIX/small" --tagging 'TagSet=[{Key=colour,Value=red}]'
[[ $(aws s3api get-object-tagging --bucket "$BUCKET" --key "$PREFIX/small" --query 'TagSet[0].Value' --output text) == red ]]
ok tag
curl -sS --fail --cacert "$CA" "$(aws s3 presign "$at/small")" -o got
cmp small got
ok presign
refuse aws s3 cp --no-progress small "s3://$BUCKET/other/$PREFIX"
refuse aws s3 cp --no-progress "s3://$BUCKET/other/secret" got
refuse aws s3 ls "s3://$BUCKET/other/"
ok refused
aws s3 rm --recursive "$at/"
[[ -z $(aws s3api list-objects-v2 --bucket "$BUCKET" --prefix "$PREFIX/" --query 'Contents[].Key' --output text | grep -v None) ]]
ok delete
