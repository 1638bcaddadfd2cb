"""Names that the contract fixes and that several tests check."""

METRICS = {
    "PointsWritten",
    "BatchesProcessed",
    "ProcessingTime",
    "ConversionRate",
    "SuccessRate",
    "ProcessingErrors",
    "FailedBatches",
}
