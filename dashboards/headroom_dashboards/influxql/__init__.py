"""The flavour InfluxQL: the same queries, translated from PromQL to what InfluxDB 1.x, 2.x and 3 take."""
