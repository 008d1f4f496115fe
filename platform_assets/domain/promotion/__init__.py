"""Who may be champion: comparisons on later rows, the gate's verdict, and the record of what was decided.

Pure functions; loading models and setting aliases is the work of `resources.model_registry`.
"""
