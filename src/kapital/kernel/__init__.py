"""Pure values every part of Kapital stands on: problems, ids, money, time, calendar, states, canonical bytes.

Imports nothing of ours, reads nothing but the dated tables packaged in `data/`; no clock, no randomness.
"""
