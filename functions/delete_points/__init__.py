"""State DeletePoints: the only code that deletes points, one request in each invocation.

`handler` does the next step of a deletion that a person started. `registration` keeps loads away meanwhile.
`request_step` sends one request: it reads what the request would remove (`stored_points`, `settling`), stores it
(`before_image`), stops if other programs wrote any of it (`judgment`), deletes, and writes current points again
(`rewriting`). `deletes` has the call.

In InfluxDB 2, a token that may write may also delete, so InfluxDB cannot keep other functions from deleting. That no
other function has the code to do it is what keeps them from it; a test checks their packages.
"""

from shared.first_array import create_first_array_without_pandas

create_first_array_without_pandas()
