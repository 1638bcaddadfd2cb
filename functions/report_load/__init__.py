"""States ReportLoad and ReportFailure: what became of a load, as response, metrics and report."""
