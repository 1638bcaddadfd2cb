"""A body that passes the quick look of the local InfluxDB has no malformed line."""

import pytest

from local.influxdb.plain_lines import only_plain_lines
from local.influxdb.syntax import malformed_lines
from tests.support.damaged_lines import damaged_lines

PLAIN = [
    "m f=1 1",
    "m f=1i -1",
    "m,a=b f=-1.5e-3 1704067200000000000",
    r"m\,n,a\ b=c\=d\ e,f=g f=1 1",
    'geração,área=SE,b=c f=0.25,g=7i,h=true,i="a,b=c" 1704067200000000000',
]
MALFORMED = [
    "",
    "m",
    "m 1",
    "m f= 1",
    "m,a f=1 1",
    "m,a= f=1 1",
    "m f=1 1 1",
    "m f=1, 1",
    "m f=1u1 1",
    'm f="a 1',
    "m,a=b,a=c f=1 1",
    r"m,a\ b=b,a\ b=c f=1 1",
    r"m,a=b\ f=1 1",
    "m,\0=b f=1 1",
    "m,time=b f=1 1",
    "m,_field=b f=1 1",
    f"m f={2**63}i 1",
    "m f=1e999 1",
    f"m f=1{'0' * 400} 1",
    f"m f=1 {2**63}",
    f"m,a={'b' * 70_000} f=1 1",
]


def test_plain_lines_are_recognized() -> None:
    assert only_plain_lines("\n".join(PLAIN).encode(), "ns")
    assert only_plain_lines(("\n".join(PLAIN) + "\n").encode(), "ns")


@pytest.mark.parametrize("line", MALFORMED, ids=lambda line: line[:20])
def test_one_line_that_is_not_plain_is_enough(line: str) -> None:
    for lines in ([line, *PLAIN], [*PLAIN, line, *PLAIN]):
        assert not only_plain_lines("\n".join(lines).encode(), "ns")


@pytest.mark.parametrize(
    ("precision", "latest"),
    [("ns", 2**63 - 2), ("us", 2**63 // 10**3), ("ms", 2**63 // 10**6), ("s", 2**63 // 10**9)],
)
def test_a_time_out_of_range_is_not_plain(precision: str, latest: int) -> None:
    assert only_plain_lines(b"m f=1 %d" % (latest * 9 // 10), precision)
    assert not only_plain_lines(b"m f=1 %d" % (latest + 2), precision)
    assert not only_plain_lines(b"m f=1 -%d" % (latest + 2), precision)


@pytest.mark.parametrize(("precision", "digits"), [("ns", 19), ("us", 16), ("ms", 13), ("s", 10)])
def test_no_plain_line_is_malformed(precision: str, digits: int) -> None:
    lines = [
        line.replace("1704067200000000000", "1704067200000000000"[:digits])
        for line in [*PLAIN, f"m f={10**18 - 1}i,g=12e99 999"]
    ]
    plain = 0
    for line in damaged_lines(lines, 'mf=, \\"1.-eiu0\t\n\0#é', count=5000, seed=20261127):
        body = line.encode()
        if only_plain_lines(body, precision):
            plain += 1
            assert not list(malformed_lines(body, precision)), body
    assert plain > 500
