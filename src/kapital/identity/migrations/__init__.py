"""Schema of identity's own database."""
