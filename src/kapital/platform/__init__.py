"""What every service stands on: configuration, databases, unit of work, events, HTTP, logs, metrics.

Layer: imports `kapital.kernel` and `kapital.contracts` only. Nothing here knows a business rule.
"""
