"""Where models are kept: MLflow behind a plain client, model files that load only when nobody touched them.

How a model is trained and judged stands in `platform_assets.domain.modelling`. MLflow is imported when it is used.
"""
