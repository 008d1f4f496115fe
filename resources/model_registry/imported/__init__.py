"""Models that were trained elsewhere: their files, their code in a process of its own, their versions in the registry.

What they take and whether they give the same scores as before is decided in `platform_assets.domain.imported_models`.
"""
