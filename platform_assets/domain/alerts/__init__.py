"""Alerts: what is worth telling, whom it is told, in which words, and what became of it. Pure functions of a log.

The log is the table `alert_events`. Where what happened is read stands in `platform_assets.automation.alert_signals`,
how words travel in `resources.notifications`.
"""
