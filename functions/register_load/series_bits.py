"""A short summary of the series of a load, with which most loads of a month are known to have no point in common.

Each series sets one of `BITS` bits, so two loads without a common bit have no common series. With five series each, of
40 pairs of loads without a common series, 39 are recognized. Files with hundreds of series each have all bits in
common: then only their footprints tell.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from zlib import crc32

BITS = 1024
"""128 bytes: with them, an item of the ledger still takes one write unit."""


def series_bits(series: Iterable[str]) -> int:
    """Return the bits of some series as one number."""
    return sum(1 << number for number in {crc32(each.encode()) % BITS for each in series})


def encode_bits(bits: int) -> str:
    """Return the bits as text for an item of the ledger.

    >>> decode_bits(encode_bits(5))
    5
    """
    return b64encode(bits.to_bytes(BITS // 8)).decode()


def decode_bits(text: str) -> int:
    """Return the bits of an item of the ledger."""
    return int.from_bytes(b64decode(text))
