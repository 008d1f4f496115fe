"""Hourly counts of many series at once: their trend, seasons, anomalies and forecasts. Arrays in, arrays out.

`decomposition` (one window of days), `forecast` (what comes next, with calibrated intervals), `anomalies` (what was not
to be expected), `table` (counts of a range of days → rows of `traffic_decomposition`), `panels` (the picture).
"""
