"""The read side of identity: one read model a file."""
