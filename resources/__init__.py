"""How the platform reaches the outside: settings, engines, the lakehouse, the model registry.

What data exists and how it is computed stays in `platform_assets`.
"""
