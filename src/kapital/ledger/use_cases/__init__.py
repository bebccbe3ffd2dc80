"""The write side of the ledger: post, checkpoint, rebuild, check."""
