"""Disclosure's own database and the rendering of its pages."""
