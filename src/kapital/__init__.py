"""Kapital: the register and the market of digital financial assets (259-FZ)."""
