"""The Lambda functions, one in each folder.

A start creates a hundred thousand objects that stay. By default, the collector of cyclic garbage looks through them
dozens of times, which takes a tenth of the start.
"""

import gc

gc.set_threshold(50_000)
