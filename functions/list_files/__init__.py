"""State ListFiles: list the files under a prefix, and those of them that a backfill is to load."""
