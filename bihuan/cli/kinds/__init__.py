"""What ``bihuan stats`` computes: one function a kind, from the inputs of a request to its result."""
