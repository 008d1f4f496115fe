"""Stage 2: typed, deduplicated, pseudonymised tables, one file a table."""
