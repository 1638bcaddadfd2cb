"""The API tokens that the gateway accepts, with their permissions, in a file that survives its restarts.

The file holds authorizations in the form of InfluxDB 2's API; the first one is the operator token, which may do
everything. The gateway reads the file for each request, so a change counts at once.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Authorization = dict[str, Any]

_OPERATOR_RIGHTS = [
    {"action": action, "resource": {"type": kind}}
    for kind in ("authorizations", "buckets")
    for action in ("read", "write")
]


class TokenFile:
    """The authorizations in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def operator_token(self) -> str:
        """The token with all permissions."""
        return str(self._load()[0]["token"])

    def replace_operator_token(self, token: str) -> None:
        """Make `token` the operator token; the previous one is rejected from now on."""
        remaining = self._load()[1:] if self._path.exists() else []
        self._save([_authorization(token, _OPERATOR_RIGHTS), *remaining])

    def create(self, permissions: Sequence[Mapping[str, Any]]) -> Authorization:
        """Add an active token with `permissions`, and return its authorization."""
        authorization = _authorization(secrets.token_urlsafe(32), permissions)
        self._save([*self._load(), authorization])
        return authorization

    def set_status(self, identifier: str, status: str) -> bool:
        """Make a token active or inactive. Return False if there is no such authorization."""
        authorizations = self._load()
        matches = [each for each in authorizations if each["id"] == identifier]
        for match in matches:
            match["status"] = status
        self._save(authorizations)
        return bool(matches)

    def delete(self, identifier: str) -> bool:
        """Delete a token. Return False if there is no such authorization."""
        authorizations = self._load()
        remaining = [each for each in authorizations if each["id"] != identifier]
        self._save(remaining)
        return len(remaining) < len(authorizations)

    def find(self, header: str) -> Authorization | None:
        """Return the authorization that an Authorization header names, or None.

        InfluxDB is lenient: the scheme is Token or Bearer in any case, and spaces after the token do not count.
        """
        scheme, _, token = header.strip().partition(" ")
        if scheme.lower() not in ("token", "bearer"):
            return None
        return next((each for each in self._load() if each["token"] == token), None)

    def _load(self) -> list[Authorization]:
        authorizations: list[Authorization] = json.loads(self._path.read_text())
        return authorizations

    def _save(self, authorizations: list[Authorization]) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(authorizations))
        new.replace(self._path)  # atomic, since the gateway may be reading


def allows(authorization: Authorization, action: str, kind: str, identifier: str = "") -> bool:
    """Return True if an active token may `action` (read or write) the resource of this kind and id."""
    return authorization["status"] == "active" and any(
        permission["action"] == action
        and permission["resource"]["type"] == kind
        and permission["resource"].get("id") in (None, identifier)
        for permission in authorization["permissions"]
    )


def _authorization(token: str, permissions: Sequence[Mapping[str, Any]]) -> Authorization:
    return {"id": secrets.token_hex(8), "token": token, "status": "active", "permissions": list(permissions)}
