"""State ConvertAndChunk: one part of a Parquet file becomes chunks of line protocol.

How a row becomes a point, module by module:

1. `handler` opens the pinned version of the file. `part` runs the steps below, in this order.
2. `row_groups` reads the rows of the part as Arrow record batches.
3. `records` turns each record batch into arrays: a series number, a time and one double per field for each row.
   `columns/` has a module for each kind of column.
4. `verdicts` remembers for each row whether it becomes a line, or why it does not.
5. `collisions` compares the rows that have the same series and time, once all rows are read.
6. `set_aside/` keeps the rows that have no place in InfluxDB, and fails the load if there are too many of them.
7. `line_protocol` renders the remaining rows as lines. `chunks` cuts the lines into compressed batches and joins the
   batches to chunks, which `staging` stores. `profile` summarizes the points for the report.
"""

from shared.first_array import create_first_array_without_pandas

create_first_array_without_pandas()
