"""Fault runs: the real house and the sandbox bank, killed at failpoints amid what a bank may do, then looked at."""
