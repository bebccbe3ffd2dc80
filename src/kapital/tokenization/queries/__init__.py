"""The read side: one read model a file."""
