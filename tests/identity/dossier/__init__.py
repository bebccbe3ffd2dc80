"""Questionnaires, documents, owners, risk, delegation."""
