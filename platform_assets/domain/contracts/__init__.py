"""What every table promises: one contract a file, in the language of `contract`."""
