"""Revisions of the schema kapital_tokenization."""
