"""Create a token for one bucket of InfluxDB 2.7, and store it in the loader's secret.

The secret of an Amazon Timestream for InfluxDB instance holds the name and password of its administrator, but no token.
This program signs in with them and creates a token that may read and write the instance's bucket. Run it where the
database can be reached, for example in AWS CloudShell in its VPC. It needs only boto3:

    python3 create_token.py --url https://<endpoint>:8086 --admin-secret <ARN> --token-secret <name>
"""

import argparse
import base64
import json
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3

DESCRIPTION = "influxdb-loader"
TIMEOUT_S = 30


class Session:
    """A session at one InfluxDB server. Every method raises HTTPError if the server rejects the request."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url.rstrip("/")
        basic = base64.b64encode(f"{username}:{password}".encode()).decode()
        with self._send("POST", "/api/v2/signin", {"Authorization": f"Basic {basic}"}) as reply:
            self._cookie = reply.headers["Set-Cookie"].partition(";")[0]

    def get(self, path: str, **query: str) -> Any:
        """Send a GET request and return the JSON body of the reply."""
        with self._send("GET", f"{path}?{urlencode(query)}", {"Cookie": self._cookie}) as reply:
            return json.load(reply)

    def post(self, path: str, content: object) -> Any:
        """Send `content` as JSON and return the JSON body of the reply."""
        headers = {"Cookie": self._cookie, "Content-Type": "application/json"}
        with self._send("POST", path, headers, json.dumps(content).encode()) as reply:
            return json.load(reply)

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Any:
        request = Request(self._url + path, data=body, headers=headers, method=method)  # noqa: S310 - the operator's URL
        return urlopen(request, timeout=TIMEOUT_S)  # noqa: S310


def create_token(session: Session, organization: str, bucket: str) -> str:
    """Create a token that may only write this bucket, and read it so that the loader can check that it exists."""
    [bucket_info] = session.get("/api/v2/buckets", org=organization, name=bucket)["buckets"]
    resource = {"type": "buckets", "id": bucket_info["id"], "orgID": bucket_info["orgID"]}
    permissions = [{"action": action, "resource": resource} for action in ("read", "write")]
    authorization = {"orgID": bucket_info["orgID"], "description": DESCRIPTION, "permissions": permissions}
    return str(session.post("/api/v2/authorizations", authorization)["token"])


def main() -> None:
    """Create the token and print where it is stored; the token itself is never printed."""
    arguments = _parse_arguments()
    secrets = boto3.client("secretsmanager")
    admin = json.loads(secrets.get_secret_value(SecretId=arguments.admin_secret)["SecretString"])
    try:
        session = Session(arguments.url, admin["username"], admin["password"])
        token = create_token(session, admin["organization"], admin["bucket"])
    except HTTPError as error:
        sys.exit(
            f"InfluxDB rejected the request: {error.code} {error.reason}. No token was stored. Check --url, and the "
            f"username, password, organization and bucket in the secret {arguments.admin_secret}."
        )
    secrets.put_secret_value(SecretId=arguments.token_secret, SecretString=token)
    sys.stdout.write(f"The secret {arguments.token_secret} now holds a token for the bucket {admin['bucket']}.\n")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the URL of InfluxDB")
    parser.add_argument("--admin-secret", required=True, help="the name or ARN of the administrator's secret")
    parser.add_argument("--token-secret", required=True, help="the name or ARN of the secret to store the token in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
