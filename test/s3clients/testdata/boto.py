"""The steps of steps.sh with boto3."""

import os
import ssl
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
from boto3.s3.transfer import TransferConfig

bucket, prefix, big = os.environ["BUCKET"], os.environ["PREFIX"], os.environ["BIG"]
with open(big, "rb") as source:
    small = source.read(4096)
    source.seek(-1048577, os.SEEK_END)
    tail = source.read()
s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["ENDPOINT"],
    verify=os.environ["CA"],
    config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


def key(name):
    return {"Bucket": bucket, "Key": f"{prefix}/{name}"}


def body(name, **more):
    return s3.get_object(**key(name), **more)["Body"].read()


def refused(call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 403, e
    else:
        raise AssertionError(f"was not refused: {arguments}")


def names():
    return [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", [])]


s3.put_object(**key("small"), Body=small, Metadata={"where": "here"})
print("ok put")
assert body("small") == small
assert s3.head_object(**key("small"))["Metadata"] == {"where": "here"}
print("ok get")
assert names() == [f"{prefix}/small"]
print("ok list")
s3.upload_file(big, bucket, f"{prefix}/big", Config=TransferConfig(multipart_chunksize=16 << 20))
print("ok multipart")
assert body("big", Range="bytes=-1048577") == tail
print("ok range")
s3.copy_object(**key("copy"), CopySource=key("small"))
assert body("copy") == small
s3.copy(key("big"), bucket, f"{prefix}/big copy", Config=TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=64 << 20))
assert body("big copy", Range="bytes=-1048577") == tail
print("ok copy")
s3.put_object_tagging(**key("small"), Tagging={"TagSet": [{"Key": "colour", "Value": "red"}]})
assert s3.get_object_tagging(**key("small"))["TagSet"] == [{"Key": "colour", "Value": "red"}]
print("ok tag")
tls = ssl.create_default_context(cafile=os.environ["CA"])
url = s3.generate_presigned_url("get_object", Params=key("small"))
assert urllib.request.urlopen(url, context=tls).read() == small
url = s3.generate_presigned_url("put_object", Params=key("presigned"))
urllib.request.urlopen(urllib.request.Request(url, data=small, method="PUT"), context=tls)
assert body("presigned") == small
print("ok presign")
refused(s3.put_object, Bucket=bucket, Key=f"other/{prefix}", Body=small)
refused(s3.get_object, Bucket=bucket, Key="other/secret")
refused(s3.copy_object, **key("stolen"), CopySource={"Bucket": bucket, "Key": "other/secret"})
refused(s3.list_objects_v2, Bucket=bucket, Prefix="other/")
print("ok refused")
answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": n} for n in names()]})
assert "Errors" not in answer, answer
assert names() == []
print("ok delete")
