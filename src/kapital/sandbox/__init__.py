"""The sandbox: what a real supplier replaces – a bank with its nominal account, synthetic people."""
