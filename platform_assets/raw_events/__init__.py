"""Stage 1: events as received, by landing day. One module reads or parses one format."""
