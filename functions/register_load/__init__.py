"""States CompareParts, RegisterLoad and ConfirmWritten: the newest values win, whatever order files arrive in.

`protocol` explains how, and decides what the registrations of other loads mean. `handler` makes the requests to the
ledger. `parts` finds rows that later parts of the same file repeat or contradict. `restaging` stages chunks without the
points that other loads have, which `lines` finds by their footprints.
"""
