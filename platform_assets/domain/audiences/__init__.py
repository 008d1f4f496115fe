"""Declared audiences: their language, its compilation to one table of rules, and how events meet that table."""
