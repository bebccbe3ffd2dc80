"""Formats in which banks speak: ISO 20022, 1CClientBankExchange, the БИК directory ED807. Pure: bytes in, values out.

Readers are tolerant and report: each deviation has its place and a code, a grave one keeps the message from being
booked. What is not of the format at all is refused whole with a stable code.
"""
