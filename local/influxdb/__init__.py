"""InfluxDB on this machine: Debian's InfluxDB 1.6.7 engine behind a gateway that answers like InfluxDB 2.7."""
