"""Stage 4: one `ModelSpec` a file, and the assets that every spec gets: training set, model, champion.

What the functions compute stands in `platform_assets.domain.modelling`; scores and validation are later stages.
"""
