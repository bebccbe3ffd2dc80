"""Revisions of the database kapital_settlement."""
