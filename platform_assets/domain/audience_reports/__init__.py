"""What is known of an audience: its size and growth, its overlap with others, and how its members convert."""
