"""How to run it from a checkout."""
