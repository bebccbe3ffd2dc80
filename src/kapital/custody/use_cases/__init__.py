"""The write side of custody: one command a file."""
