"""State FindStale: find the points that a load's file no longer has, and that no other current file contains."""
