"""The suggestion of a declaration for files whose dataset is not declared."""
