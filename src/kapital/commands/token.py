"""`kapital token`: access tokens for the staff of this installation."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kapital.commands.console import end, in_house, run, silence_logs
from kapital.kernel.roles import Role

if TYPE_CHECKING:
    from kapital.app import Kapital


def token(
    *roles: Annotated[str, Parameter(help="Roles of staff, as in `aml_officer`; without one all are listed.")],
    hours: Annotated[int, Parameter(help="How long the token is valid.")] = 8,
) -> None:
    """Print an access token for a new member of the staff with these roles, for use on this installation."""
    from kapital.kernel.actor import Actor
    from kapital.kernel.ids import CommandId
    from kapital.platform.ids import new_uuid7
    from kapital.registry.domain.access import STAFF_ROLES, TokenSubjectKind
    from kapital.registry.use_cases.issue_access_token import IssueAccessToken
    from kapital.registry.use_cases.register_staff import RegisterStaff

    silence_logs()
    known = {role.value: role for role in STAFF_ROLES}
    named = [role.replace("-", "_") for role in roles]
    if not named or not known.keys() >= set(named):
        strange = "".join(f"`{name}` is none; " for name in roles if name.replace("-", "_") not in known)
        end(f"{strange}name one or more roles of staff: " + ", ".join(sorted(known)))
    held = frozenset(known[name] for name in named)
    expires_at = run(_token_end(held, hours))

    async def work(kapital: "Kapital") -> str:
        administrator = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.ADMIN}))
        staff_id = new_uuid7()
        await kapital.registry.use_cases.register_staff(
            RegisterStaff(
                command_id=CommandId(f"console-{new_uuid7()}"),
                actor=administrator,
                staff_id=staff_id,
                roles=held,
            )
        )
        issued = await kapital.registry.use_cases.issue_access_token(
            IssueAccessToken(
                command_id=CommandId(f"console-{new_uuid7()}"),
                actor=administrator,
                subject_kind=TokenSubjectKind.STAFF,
                subject_id=staff_id,
                roles=held,
                expires_at=expires_at,
            )
        )
        return str(issued.token)

    print(in_house(work, create=True))


async def _token_end(roles: frozenset[Role], hours: int) -> datetime:
    """Return when the token ends. What is wrong with it is said before anything is written: a member of the staff
    who has no token would be left behind. Raises: StaffRolesIncompatible, TokenLifetimeOutOfRange."""
    from kapital.registry.domain.access import TOKEN_LIFETIME_MAX, require_compatible, require_lifetime

    now, most = datetime.now(UTC), TOKEN_LIFETIME_MAX // timedelta(hours=1)
    require_compatible(roles)
    expires_at = now + timedelta(hours=max(-1, min(hours, most + 1)))  # beyond the bounds all hours are alike
    require_lifetime(expires_at, now=now)
    return expires_at
