"""A set of policies: read, checked, and asked."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import cedarpy
import msgspec

import kapital
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry, ensure
from kapital.kernel.roles import Role
from kapital.platform.access.questions import Question, request_of

SUFFIX_POLICIES: Final = ".cedar"
SUFFIX_SCHEMA: Final = ".cedarschema"
FILES_MAX: Final = 200
FILE_BYTES_MAX: Final = 1_000_000
REMEMBERED_MAX: Final = 50_000
GROUPS: Final = ("public", "read", "change")
"""Each action is in exactly one of these groups, which every schema of the house has."""

_NAMED_ENTITY: Final = re.compile(r'\b(?:Participant|Actor)\s*::\s*"')
_ID: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


class PoliciesUnusable(Problem):
    """The folder holds no set of access policies that may be used; the detail names the file or the policy."""

    code = "policies_must_be_usable"
    title = "These access policies cannot be used"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class Verdict(NamedTuple):
    """The answer to one question, and the policies it rests on: none when nothing allowed it."""

    allowed: bool
    policies: tuple[str, ...]


class Policies:
    """One set of policies with its schema. Immutable; an answer is remembered.

    Shape: `version` is the SHA-256 (hex) over `content`, the canonical JSON of all files by name.
    Raises: PoliciesUnusable.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = dict(sorted(files.items()))
        self.content = msgspec.json.encode(self.files)
        self.version = hashlib.sha256(self.content).hexdigest()
        schema = "\n".join(text for name, text in self.files.items() if name.endswith(SUFFIX_SCHEMA))
        text = "\n".join(text for name, text in self.files.items() if name.endswith(SUFFIX_POLICIES))
        _require(schema.strip() != "" and text.strip() != "", "there is no policy or no schema in it")
        for name, one in self.files.items():
            _require(
                not (name.endswith(SUFFIX_POLICIES) and _NAMED_ENTITY.search(one)),
                f"{name}: a policy names a participant or an actor; it may only compare them",
            )
        try:
            self._schema = cedarpy.Schema.from_str(schema)
        except ValueError as error:
            raise PoliciesUnusable(f"schema: {error}") from error
        try:
            self._set = cedarpy.PolicySet.from_str(text)
        except ValueError as error:
            raise PoliciesUnusable(f"policies: {error}") from error
        checked = cedarpy.validate_policies(text, self._schema)
        named = checked.id_annotations_by_policy_id
        _require(
            checked.validation_passed,
            "; ".join(f"{named.get(e.policy_id) or e.policy_id or 'policies'}: {e.error}" for e in checked.errors),
        )
        self.annotations = _annotations(text)
        self.actions, self.resource_kinds = _actions(schema)
        self._remembered: dict[Question, Verdict] = {}

    def group(self, action: str) -> str:
        """`public`, `read` or `change`. A name without an action in the schema is our own fault."""
        try:
            return self.actions[action]
        except KeyError:
            raise InvariantBroken(f"the schema of the policies has no action {action}") from None

    def decide(self, questions: Sequence[Question]) -> list[Verdict]:
        """The verdict on each, in order; only questions that were never asked before go to the engine.

        A question that does not fit the schema is our own fault, and answered by no verdict.
        """
        new = list(dict.fromkeys(asked for asked in questions if asked not in self._remembered))
        if not new:
            return [self._remembered[asked] for asked in questions]
        found = dict(zip(new, (self._ask(asked) for asked in new), strict=True))
        verdicts = [found.get(asked) or self._remembered[asked] for asked in questions]
        if len(self._remembered) + len(found) > REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered.update(found)
        return verdicts

    def decide_request(self, request: Mapping[str, Any]) -> Verdict:
        """The verdict on a recorded request (see `request_of`). Raises: PoliciesUnusable if it does not fit."""
        asked = {name: request[name] for name in ("principal", "action", "resource")}
        answer = cedarpy.is_authorized(asked, self._set, list(request["entities"]), self._schema)
        if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            raise PoliciesUnusable("; ".join(answer.diagnostics.errors))
        named = answer.diagnostics.id_annotations_by_reason
        return Verdict(answer.allowed, tuple(sorted(named[reason] for reason in answer.diagnostics.reasons)))

    def _ask(self, asked: Question) -> Verdict:
        try:
            return self.decide_request(request_of(asked))
        except PoliciesUnusable as error:
            raise InvariantBroken(f"{asked.action}: the question does not fit the schema: {error.detail}") from error

    def roles_that_would_do(self, asked: Question) -> tuple[str, ...]:
        """The roles with any of which beside its own the same principal would be allowed."""
        roles = [role.value for role in Role if role.value not in asked.roles]
        verdicts = self.decide([asked._replace(roles=asked.roles | {role}) for role in roles])
        return tuple(sorted(role for role, verdict in zip(roles, verdicts, strict=True) if verdict.allowed))

    @cached_property
    def operations(self) -> frozenset[str]:
        """Names of all actions."""
        return frozenset(self.actions)


def policies_folder() -> Path:
    """`kapital/_policies` of a wheel, else `policies/` of the checkout. Raises: PoliciesUnusable without both."""
    package = Path(kapital.__file__).parent
    for folder in (package / "_policies", package.parent.parent / "policies"):
        if folder.is_dir():
            return folder
    raise PoliciesUnusable(
        "the policies are neither packaged nor in a checkout (KAPITAL_POLICIES_DIR names a folder)"
    )


def load_policies(folder: Path | None = None) -> Policies:
    """The set in a folder; None: the one that came with the program. Raises: PoliciesUnusable."""
    place = folder or policies_folder()
    _require(place.is_dir(), f"{place} is not a folder")
    paths = sorted(p for p in place.iterdir() if p.suffix in {SUFFIX_POLICIES, SUFFIX_SCHEMA} and p.is_file())
    _require(len(paths) <= FILES_MAX, f"{place} holds more than {FILES_MAX} files")
    files: dict[str, str] = {}
    for path in paths:
        _require(path.stat().st_size <= FILE_BYTES_MAX, f"{path} is larger than {FILE_BYTES_MAX} bytes")
        try:
            files[path.name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise PoliciesUnusable(f"{path} is not UTF-8") from None
    try:
        return Policies(files)
    except PoliciesUnusable as error:
        raise PoliciesUnusable(f"{place}: {error.detail}") from error


def _annotations(text: str) -> dict[str, dict[str, str]]:
    """The annotations of each policy by its `@id`, which every one must have for itself."""
    parsed = msgspec.json.decode(cedarpy.policies_to_json_str(text))
    _require(not parsed["templates"], "templates are not used")
    found: dict[str, dict[str, str]] = {}
    for policy in parsed["staticPolicies"].values():
        annotations = {name: value or "" for name, value in (policy.get("annotations") or {}).items()}
        name = annotations.pop("id", "")
        _require(_ID.fullmatch(name) is not None, f"a policy has no @id of the form service.what_it_says: {name!r}")
        _require(name not in found, f"two policies have the @id {name}")
        found[name] = annotations | {"effect": policy["effect"]}
    return found


_ACTION: Final = re.compile(
    r'\baction\s+((?:"[^"]+"\s*,?\s*)+)\s*(?:in\s*\[([^\]]*)\])?'
    r"(?:\s*appliesTo\s*\{[^}]*resource:\s*\[?\s*(\w+)\s*\]?[^}]*\})?"
)


def _actions(schema: str) -> tuple[dict[str, str], dict[str, str]]:
    """Every action with its group, and with the kind that it is done to. Cedar has read the schema before."""
    plain = re.sub(r"//[^\n]*", "", schema)
    found: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for names, parents, kind in _ACTION.findall(plain):
        groups = [group for group in re.findall(r'"([^"]+)"', parents) if group in GROUPS]
        for name in re.findall(r'"([^"]+)"', names):
            if not parents:  # a group itself
                continue
            _require(len(groups) == 1, f"action {name} is in one of the groups {', '.join(GROUPS)}, and in no other")
            _require(name not in found, f"action {name} stands twice in the schema")
            _require(kind != "", f"action {name} is done to one kind of resource")
            found[name], kinds[name] = groups[0], kind
    return found, kinds


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise PoliciesUnusable(why)


ensure(set(GROUPS) == {"public", "read", "change"}, "the groups of actions are known to reading and recording")
