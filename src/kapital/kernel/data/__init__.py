"""Dated public facts shipped with the package; each file's origin stands in SOURCES.md."""
