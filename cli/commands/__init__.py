"""The commands, one module for each line of `loader --help`. None imports another."""
