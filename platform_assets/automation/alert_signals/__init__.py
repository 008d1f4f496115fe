"""What the instance has recorded, as signals: verdicts of checks, freshness, promotions, runs, ticks."""
