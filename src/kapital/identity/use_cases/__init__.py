"""The write side of identity: one command a file, one transaction each."""
