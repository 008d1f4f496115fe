"""Domain → category maps and their history, and who visits sites of which category."""
