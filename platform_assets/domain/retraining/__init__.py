"""Whether a model is trained again: what is known of it on a day, the triggers that follow, and one decision.

The policy stands with the spec (`model_policies.RetrainPolicy`). Where evidence comes from, and who starts the
training, is the business of the asset `retrain_decisions` and of the sensor `retrain`.
"""
