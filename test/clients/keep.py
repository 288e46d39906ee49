"""A device that keeps its credentials fresh and uses S3 with them, with boto3.

    python3 keep.py '{"door": URL, "api": URL, "ca": FILE, "cert": FILE, "key": FILE,
                      "thing": …, "region": …, "bucket": …, "object": …}'

botocore's RefreshableCredentials are fed from the device door over mutual TLS.
Each line on standard input is one turn: the device stores and reads its
object, and tries the keys of every generation it has had. Each turn prints one
line of JSON; never a secret or a token. Time comes from the system's clock,
which whoever runs this may move.
"""

import datetime
import http.client
import json
import ssl
import sys
import urllib.parse

import boto3
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session


class DeviceCredentials(botocore.credentials.RefreshableCredentials):
    """Refreshes in the last 5 minutes. botocore's own 15 minutes would mean a
    refresh at every use, since the keys of this test live for 15 minutes."""

    _advisory_refresh_timeout = 5 * 60
    _mandatory_refresh_timeout = 60


def fetch(want):
    """Exchanges the certificate for credentials, in botocore's words."""
    tls = ssl.create_default_context(cafile=want["ca"])
    tls.load_cert_chain(want["cert"], want["key"])
    url = urllib.parse.urlsplit(want["door"])
    door = http.client.HTTPSConnection(url.hostname, url.port, context=tls, timeout=10)
    door.request("GET", url.path, headers={"x-amzn-iot-thingname": want["thing"]})
    answer = door.getresponse()
    body = answer.read()
    door.close()
    if answer.status != 200:
        raise RuntimeError(f"the device door answers {answer.status}: {body!r}")
    got = json.loads(body)["credentials"]
    return {
        "access_key": got["accessKeyId"],
        "secret_key": got["secretAccessKey"],
        "token": got["sessionToken"],
        "expiry_time": got["expiration"],
    }


def s3(want, credentials):
    session = botocore.session.Session()
    session._credentials = credentials  # botocore has no other way to hand over refreshable ones
    return boto3.Session(botocore_session=session).client(
        "s3",
        region_name=want["region"],
        endpoint_url=want["api"],
        verify=want["ca"],
        config=botocore.config.Config(retries={"max_attempts": 1}, connect_timeout=10, read_timeout=10),
    )


def outcome(call):
    """What a call came to: "ok", or the error code of the answer."""
    try:
        call()
        return "ok"
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


def turn(want, client, credentials, had):
    content = datetime.datetime.now(datetime.timezone.utc).isoformat().encode()
    where = {"Bucket": want["bucket"], "Key": want["object"]}
    said = {
        "put": outcome(lambda: client.put_object(Body=content, **where)),
        "get": outcome(lambda: client.get_object(**where)),
    }
    said["equal"] = said["get"] == "ok" and client.get_object(**where)["Body"].read() == content
    now = credentials.get_frozen_credentials()
    had[now.access_key] = botocore.credentials.Credentials(now.access_key, now.secret_key, now.token)
    said["generations"] = [
        {"accessKeyId": key, "get": outcome(lambda: s3(want, keys).get_object(**where))}
        for key, keys in had.items()
    ]
    return said


def main():
    want = json.loads(sys.argv[1])
    credentials = DeviceCredentials.create_from_metadata(fetch(want), lambda: fetch(want), "device-door")
    client = s3(want, credentials)
    had = {}
    for _ in sys.stdin:
        print(json.dumps(turn(want, client, credentials, had)), flush=True)


if __name__ == "__main__":
    main()
