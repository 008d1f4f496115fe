"""Stage 5: scored days, every row with the version of the model that made it."""
