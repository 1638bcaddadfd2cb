"""The Grafana dashboards in docs/grafana: one for each shipped dataset, and one for the loader's metrics."""
