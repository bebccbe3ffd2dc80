"""The write side of the registry: one command a file, one transaction each."""
