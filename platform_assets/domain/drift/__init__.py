"""Drift: whether what a model reads, says and is judged by still looks as it did when the model was trained.

`distribution` holds one column's values, `distances` says how far two lie apart, `comparison` compares a day with a
reference, `decision` says what of it counts as drifted and why, `report` tells people. Nothing here knows of stores.
"""
