"""State WriteBatch: write one staged chunk to InfluxDB, batch by batch."""
