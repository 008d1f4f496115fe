"""Runs that died with their processes: how they are known for sure, and closed with their pool slots.

When it happens (at the start of a run, every minute, by hand) is decided by the callers and by `executor`.
"""
