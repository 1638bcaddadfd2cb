"""State CheckHealth: check that InfluxDB is ready for a load."""
