"""Stage 6: what came true of the predictions, once it is known."""
