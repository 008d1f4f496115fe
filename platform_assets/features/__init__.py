"""Stage 3: model inputs, point in time, one file an entity."""
