"""The read side of disclosure."""
