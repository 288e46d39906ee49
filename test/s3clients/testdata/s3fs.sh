source "$STEPS"
export AWSACCESSKEYID=$AWS_ACCESS_KEY_ID AWSSECRETACCESSKEY=$AWS_SECRET_ACCESS_KEY AWSSESSIONTOKEN=$AWS_SESSION_TOKEN
export CURL_CA_BUNDLE=$CA
mkdir mnt other
trap 'fusermount3 -u mnt 2>/dev/null || true; fusermount3 -u other 2>/dev/null || true' EXIT
mount_at() { # PATH FOLDER
	s3fs "$BUCKET:/$1" "$2" -o "url=$ENDPOINT,use_path_request_style,use_session_token,endpoint=$AWS_DEFAULT_REGION,multipart_size=16,tmpdir=$PWD,logfile=$PWD/s3fs.log"
	for _ in {1..100}; do
		if mountpoint -q "$2"; then return; fi
		sleep 0.1
	done
	tail -n 30 s3fs.log
	echo "cannot mount"
	return 1
}
mount_at "$PREFIX" mnt

cp small mnt/small
ok put
cmp small mnt/small
ok get
[[ $(ls mnt) == small ]]
ok list
cp "$BIG" mnt/big
ok multipart
tail -c 1048577 mnt/big | cmp - tail-of-big
ok range
mv mnt/small mnt/renamed # a copy and a delete
cmp small mnt/renamed
ok copy
cannot "tag: s3fs knows no tags"
cannot "presign: s3fs makes no URLs"
outside() { mount_at other other && cp small other/new && cat other/secret; }
refuse outside
ok refused
rm mnt/renamed mnt/big
[[ -z $(ls mnt) ]]
ok delete
