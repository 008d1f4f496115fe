"""The knowledge of the platform: contracts and pure functions, without the orchestrator or any store."""
