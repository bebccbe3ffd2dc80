"""Data that benchmarks read; where each file comes from stands in SOURCES.md."""
