"""The `loader` command line."""
