"""`platform status`: what is well, what to watch and what needs a person, from facts that others gathered.

One module a section. Its function takes facts, says lines, and knows no store, no Dagster and no clock.
"""
