"""What models read: features of a person on a day, from strictly before it."""
