"""What data exists and how it is made: one folder per stage of the flow, one file per table or model.

How the outside is reached (stores, engines, registries) stays in `resources`.
"""
