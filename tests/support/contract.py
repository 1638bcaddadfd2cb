"""Names that the contract fixes and that several tests check."""

METRICS = {
    "PointsRejected",
    "PointsSuperseded",
    "PointsNotSent",
    "PointsUnknown",
    "RowsSetAside",
    "SetAsideRate",
    "PointsWritten",
    "BatchesProcessed",
    "ProcessingTime",
    "ConversionRate",
    "SuccessRate",
    "ProcessingErrors",
    "FailedBatches",
}

SWEEP_METRICS = {"Backlog", "NeedsPerson", "HoursSinceLastLoad", "StalePoints"}
