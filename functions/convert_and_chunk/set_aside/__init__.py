"""Rows that are set aside: the limits, the samples for the report, and the quarantine."""
