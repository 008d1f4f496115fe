"""Who belongs to which audience on a day, and what is known about each audience. One file a table."""
