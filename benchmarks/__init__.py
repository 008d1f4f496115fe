"""The measurements behind the README's figures: `python -m benchmarks`, by hand, never asserted in a test.

One module a measurement: `raw_to_events`, `command_line`, `simulator`, `loading`. Legs that are compared run
alternately in fresh processes of one run, so that what counts, the ratio, survives a slow machine.
"""
