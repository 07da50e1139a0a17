"""Reads: what services and faces ask the database."""
