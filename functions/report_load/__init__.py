"""States ReportLoad, ReportSkip and ReportFailure: the response of a load, its metrics and its report."""
