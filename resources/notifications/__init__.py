"""How alerts leave the platform: the table they wait in, plain clients of what receives them, and the sweep."""
