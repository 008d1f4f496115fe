"""What happens by itself: sensors, schedules and jobs. What they call stands elsewhere and runs without them."""
