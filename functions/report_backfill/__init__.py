"""States ReportBackfill and ReportGivenUp: what became of the files under a prefix, as the ledger knows it."""
