"""The settings of the gateway, which is a process of its own and gets them as its argument."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of the gateway.

    Attributes:
        port: Where it listens on 127.0.0.1.
        engine_port: Where the engine listens.
        org: The name of its only organization.
        token_file: The path of its TokenFile.
        max_body_bytes: Largest body, unpacked; 0 means no limit, as in 2.7.
        read_timeout_s: How long reading a body may take (2.7: http-read-timeout); 0 means no limit.
        delete_pace: How many times as long as 2.7.12 a delete takes; 0 means to delete at once.
    """

    port: int
    engine_port: int
    org: str
    token_file: str
    max_body_bytes: int
    read_timeout_s: float
    delete_pace: float
