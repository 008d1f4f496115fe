"""Hourly counts of many series at once: their trend, seasons, anomalies and forecasts. Arrays in, arrays out.

`history` (what is known), `decomposition` (one window of days taken apart), `outlook` (what comes next),
`forecast_errors` (how earlier outlooks did), `anomalies` (what was not to be expected), `rows` and `table` (the rows of
`traffic_decomposition`, by day), `panels` (the picture).
"""
