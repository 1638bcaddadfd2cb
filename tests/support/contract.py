"""Names that the contract fixes and that several tests check."""

METRICS = {
    "PointsRejected",
    "PointsNotSent",
    "PointsUnknown",
    "RowsSetAside",
    "PointsWritten",
    "BatchesProcessed",
    "ProcessingTime",
    "ConversionRate",
    "SuccessRate",
    "ProcessingErrors",
    "FailedBatches",
}
