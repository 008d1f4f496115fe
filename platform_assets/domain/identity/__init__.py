"""Which identifiers are one person, day by day, and which person an event is of."""
