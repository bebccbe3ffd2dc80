"""Revisions of the database kapital_sandbox_bank."""
