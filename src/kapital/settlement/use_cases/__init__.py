"""The write side of settlement: one command or tick a file."""
