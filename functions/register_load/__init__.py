"""States CompareParts, RegisterLoad and ConfirmWritten: the newest values win, whatever order files arrive in.

`protocol` explains how, and decides what the registrations of other loads mean. `handler` makes the requests to the
ledger. `parts` finds rows that later parts of the same file repeat or contradict. `common_points` compares the
footprints of loads, `restaging` stages chunks without the points that other loads have, and `progress` lets them take
several invocations.
"""

from shared.first_array import create_first_array_without_pandas

create_first_array_without_pandas()
