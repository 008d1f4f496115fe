"""Check factories that several stages share; a check of one table stands beside that table."""
