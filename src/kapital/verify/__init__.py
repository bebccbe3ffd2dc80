"""The offline verifier of evidence packages (доказательство записи): who does not trust us can check us.

Needs the Python standard library and `cryptography`, nothing else of this project: the folder may be
copied into any package and run as `python -m <package>.verify PACKAGE`. It opens no socket and reads only
the files it is given.
"""
