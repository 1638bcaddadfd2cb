"""States PinSource and ValidateSchema: pin one version of the object, check its schema, and plan its parts."""
