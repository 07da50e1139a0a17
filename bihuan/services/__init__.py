"""Acts: one transaction each; the only writers."""
