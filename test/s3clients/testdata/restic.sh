source "$STEPS"
export RESTIC_PASSWORD=test RESTIC_CACHE_DIR=$PWD/cache
restic() { command restic --cacert "$CA" -o s3.bucket-lookup=path "$@"; }
export RESTIC_REPOSITORY=s3:$ENDPOINT/$BUCKET/$PREFIX
mkdir source && cp small source/

restic init
restic backup source
ok put
restic restore latest --target restored
cmp small restored/source/small
ok get
restic snapshots --json | grep -q '"short_id"'
ok list
restic backup --stdin --stdin-filename big <"$BIG"
ok multipart
restic dump latest big | tail -c 1048577 | cmp - tail-of-big
ok range # it reads blobs of its packs by range
cannot "copy: restic never copies within a bucket"
cannot "tag: restic knows no tags"
cannot "presign: restic makes no URLs"
refuse command restic --cacert "$CA" -o s3.bucket-lookup=path -r "s3:$ENDPOINT/$BUCKET/other/$PREFIX" init
ok refused
restic forget --keep-last 1 --group-by '' --prune
restic check
ok delete
