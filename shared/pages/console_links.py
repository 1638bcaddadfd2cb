"""Addresses in the AWS console, of the partition and Region of an execution."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from urllib.parse import quote

DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}

_ARN = re.compile(r"arn:([\w-]+):states:([\w-]+):\d*:(?:execution|express):.+")

MARGIN = timedelta(minutes=5)
"""How much earlier and later than the execution its log lines may be: clocks differ, and logs arrive late."""


class ConsoleLink(NamedTuple):
    """A link with its text."""

    text: str
    address: str


class Console(NamedTuple):
    """The console of one Region."""

    domain: str
    region: str

    @classmethod
    def of_execution(cls, arn: str) -> Self | None:
        """Return the console that shows an execution; None if its ARN is not that of one, or of another partition."""
        match = _ARN.fullmatch(arn)
        domain = DOMAINS.get(match[1]) if match else None
        return cls(domain, match[2]) if match and domain else None

    @property
    def _site(self) -> str:
        return f"https://{self.region}.{self.domain}"

    def execution(self, arn: str) -> ConsoleLink:
        """Return the link to an execution."""
        address = f"{self._site}/states/home?region={self.region}#/v2/executions/details/{quote(arn, safe=':')}"
        return ConsoleLink("Execution in Step Functions", address)

    def folder(self, text: str, bucket: str, prefix: str) -> ConsoleLink:
        """Return the link to the objects of an S3 bucket under a prefix."""
        query = f"region={self.region}&prefix={quote(prefix, safe='')}"
        return ConsoleLink(text, f"{self._site}/s3/buckets/{quote(bucket)}?{query}")

    def logs(self, groups: Sequence[str], search: str, start: datetime, end: datetime) -> ConsoleLink:
        """Return the link to a query of CloudWatch Logs Insights for the lines that contain a text."""
        query = f"fields @timestamp, level, message\n| filter @message like {_insights_text(search)}\n| sort @timestamp"
        begin, until = (f"{time:%Y-%m-%dT%H:%M:%S}.000Z" for time in (start - MARGIN, end + MARGIN))
        sources = "".join(f"~'{_star(group)}" for group in groups)
        times = f"end~'{_star(until)}~start~'{_star(begin)}~timeType~'ABSOLUTE~tz~'UTC"
        detail = f"~({times}~editorString~'{_star(query)}~source~({sources}))"
        fragment = quote(f"?queryDetail={detail}", safe="~()'*").replace("%", "$")
        return ConsoleLink(
            "Logs in CloudWatch",
            f"{self._site}/cloudwatch/home?region={self.region}#logsV2:logs-insights{fragment}",
        )


def _insights_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _star(text: str) -> str:
    """Encode a value of a query's details: as in a URL, but with a star instead of the percent sign."""
    return quote(text, safe="").replace("%", "*").replace("~", "*7e")
