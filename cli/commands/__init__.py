"""The commands, one module for each line of `loader --help`. No command imports another."""
