"""Names of the contract that several tests hold the code against."""

METRICS = {
    "PointsWritten",
    "BatchesProcessed",
    "ProcessingTime",
    "ConversionRate",
    "SuccessRate",
    "ProcessingErrors",
    "FailedBatches",
}
