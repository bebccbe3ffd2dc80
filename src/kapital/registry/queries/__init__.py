"""The read side of the registry: one read model a file."""
