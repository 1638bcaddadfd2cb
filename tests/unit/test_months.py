"""The months of a load's points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.timestamps import MAX_NS
from functions.register_load.months import month_spans
from shared.footprints import Footprint, PointBlock

TIMES = st.lists(
    st.integers(-MAX_NS, MAX_NS) | st.sampled_from([-MAX_NS, -1, 0, MAX_NS]) | st.integers(0, 400 * 86_400 * 10**9),
    max_size=20,
)


@given(TIMES)
def test_each_time_is_in_the_span_of_its_month(times: list[int]) -> None:
    points = PointBlock(np.zeros(len(times), np.int32), np.array(times, np.int64), np.ones(len(times), np.uint64))
    expected: dict[str, tuple[int, int]] = {}
    for time in times:
        month = str(np.datetime64(time, "ns").astype("datetime64[M]"))
        first, last = expected.get(month, (time, time))
        expected[month] = min(first, time), max(last, time)
    spans = {span.month: (span.first_ns, span.last_ns) for span in month_spans([Footprint(["m,t=a"], ("x",), points)])}
    assert spans == dict(sorted(expected.items()))
