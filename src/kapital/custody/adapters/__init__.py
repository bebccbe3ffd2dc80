"""Custody's own database, the software provider, and the in-process form of its public face."""
