"""Runs that die with their processes, with real processes on an instance of their own."""
