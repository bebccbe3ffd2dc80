"""A time-stamp (RFC 3161) over a document of ours, from the authority of the settings, judged before it is kept."""

import asyncio

from kapital.platform.acts.checking import Acts
from kapital.platform.signatures.algorithms import SHA_256
from kapital.platform.signatures.check import judge_stamp
from kapital.platform.signatures.online import path_links
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.problems import TimeStampUnavailable
from kapital.platform.signatures.timestamps import read_stamp, stamp_request


async def stamp_document(acts: Acts, content: bytes) -> bytes | None:
    """The token (DER) over these bytes; None where no authority is named.

    Promise: a token that is returned is over these bytes; its authority's chain ends in a root that is believed, and
    none of it was revoked.
    Not: the SHA-256 imprint is no GOST hash, whatever the authority signs with.
    Raises: TimeStampUnavailable, SignatureSourceUnavailable, GostEngineMissing, LibcryptoMissing.
    """
    if acts.stamps is None:
        return None
    token = await acts.stamps.stamp(stamp_request(content, SHA_256))
    policy, between = acts.verification(), acts.trust.between
    stamp = await asyncio.to_thread(read_stamp, token, content, certificates=between)
    now = acts.clock.now()
    known = frozenset(stamp.container.certificates) | frozenset(between)
    links = path_links(policy.time_stamp_roots or policy.roots, known, stamp.authority)
    material = Material(between, await acts.revocation.data_for(links, now=now))
    reasons, _ = await asyncio.to_thread(judge_stamp, stamp, policy, material, now)
    if reasons:
        raise TimeStampUnavailable(facts={"reason": str(reasons[0].code), "about": reasons[0].about or ""})
    return token
