"""The rows that a load did not send, found by its footprint."""

import numpy as np
import pyarrow as pa

from cli.deployed.missing_rows import missing_rows
from shared.footprints import FootprintWriter, PointBlock, read_footprint
from shared.packed_batches import join_batches, pack


def test_a_line_is_missing_if_the_footprint_has_no_line_with_the_same_fields() -> None:
    body = b"m,t=x a=1 7\nm,t=x a=1,b=2 7\nm,t=x b=2 8\nm,t=y a=1 7\n"
    writer = FootprintWriter(pa.array(["m,t=x"]), ["b", "a"])
    writer.write(PointBlock(np.zeros(2, np.int32), np.array([7, 8]), np.array([3, 1], np.uint64)))
    staged = [join_batches([pack(body, np.arange(4) + 10)])]
    assert missing_rows(staged, read_footprint(writer.close()), ["a", "b"]).tolist() == [10, 13]
