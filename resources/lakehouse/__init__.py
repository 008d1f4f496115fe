"""The lakehouse: Delta tables in one place, exact partitions, audited publication, pinned reads.

How a result is computed stays in `resources.compute`.
"""
