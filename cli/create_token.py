"""Make a token that may read and write one bucket of InfluxDB 2.7, and put it into the loader's secret.

The secret of a Timestream for InfluxDB instance holds its administrator's name and password, and no token. This signs
in with them. It runs where the database can be reached, such as AWS CloudShell in its VPC, and needs only boto3:

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
    """Signed in at one server. Raises HTTPError for everything that is refused."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url.rstrip("/")
        basic = base64.b64encode(f"{username}:{password}".encode()).decode()
        with self._send("POST", "/api/v2/signin", {"Authorization": f"Basic {basic}"}) as answer:
            self._cookie = answer.headers["Set-Cookie"].partition(";")[0]

    def get(self, path: str, **query: str) -> Any:
        """The parsed answer."""
        with self._send("GET", f"{path}?{urlencode(query)}", {"Cookie": self._cookie}) as answer:
            return json.load(answer)

    def post(self, path: str, content: object) -> Any:
        """The parsed answer."""
        headers = {"Cookie": self._cookie, "Content-Type": "application/json"}
        with self._send("POST", path, headers, json.dumps(content).encode()) as answer:
            return json.load(answer)

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Any:
        request = Request(self._url + path, data=body, headers=headers, method=method)  # noqa: S310 - the operator's URL
        return urlopen(request, timeout=TIMEOUT_S)  # noqa: S310


def create_token(session: Session, organization: str, bucket: str) -> str:
    """A new token for this bucket and nothing else: write, and read so that its existence can be checked."""
    [found] = session.get("/api/v2/buckets", org=organization, name=bucket)["buckets"]
    resource = {"type": "buckets", "id": found["id"], "orgID": found["orgID"]}
    permissions = [{"action": action, "resource": resource} for action in ("read", "write")]
    wanted = {"orgID": found["orgID"], "description": DESCRIPTION, "permissions": permissions}
    return str(session.post("/api/v2/authorizations", wanted)["token"])


def main() -> None:
    """Tells what was done, never the token."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--url", "--admin-secret", "--token-secret"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    secrets = boto3.client("secretsmanager")
    admin = json.loads(secrets.get_secret_value(SecretId=given.admin_secret)["SecretString"])
    try:
        session = Session(given.url, admin["username"], admin["password"])
        token = create_token(session, admin["organization"], admin["bucket"])
    except HTTPError as error:
        sys.exit(f"InfluxDB refuses: {error.code} {error.reason}")
    secrets.put_secret_value(SecretId=given.token_secret, SecretString=token)
    sys.stdout.write(f"a token for bucket {admin['bucket']} is in the secret {given.token_secret}\n")


if __name__ == "__main__":
    main()
