"""Code that all functions share: errors, events, datasets, settings, and clients of S3, InfluxDB, logs and metrics."""
