"""States PinSource and ValidateSchema: pin one version of the object, check its schema, and plan its parts."""

from shared.first_array import create_first_array_without_pandas

create_first_array_without_pandas()
