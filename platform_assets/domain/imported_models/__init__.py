"""Models that were trained elsewhere: what they take, whether a table gives it, and whether their scores stay the same.

How their files are read and run stands in `resources.model_registry.imported`.
"""
