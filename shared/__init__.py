"""What every function shares: errors, events, datasets, settings, and the ways to S3, InfluxDB, logs and metrics."""
