"""Electronic signatures of people: verified in this process, GOST R 34.10-2012, ECDSA and RSA, CAdES-BES and CAdES-T.

`verify_signature` ends in VALID, INVALID or INDETERMINATE with reasons; `SignatureBundle` keeps what it relied upon,
for checking it again years later without a network. Powers of attorney (МЧД) are in `powers`. What a person signs is
made by `act_to_sign`. The means of signing is a `Signer`.

Law: 63-FZ art. 5, 6, 11, 17.1–17.5.
"""
