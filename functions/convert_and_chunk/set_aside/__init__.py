"""Rows that are set aside: the limits on their number, the quarantine, and the samples for the report."""
