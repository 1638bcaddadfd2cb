"""InfluxDB on this machine: Debian's engine behind a gateway that answers as InfluxDB 2.7."""
