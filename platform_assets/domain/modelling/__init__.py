"""Pure functions that build training sets, train, measure, judge and describe a model of any `ModelSpec`.

No orchestrator and no registry here: the registry is `resources.model_registry`, the assets stand in the stages.
"""
