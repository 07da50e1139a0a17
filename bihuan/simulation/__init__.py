"""A seeded company that complains and answers; it works through services."""
