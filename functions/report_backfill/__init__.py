"""States ReportBackfill and ReportGivenUp: compare the files under a prefix with the ledger, and report the rest."""
