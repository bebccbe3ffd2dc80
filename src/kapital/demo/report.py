"""What the demonstration ends with: one object for machines, a page for people."""

from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from kapital.app import Kapital
from kapital.demo.story import IssueStory, Story
from kapital.invariants import Invariants
from kapital.kernel.money import format_rubles
from kapital.kernel.problems import problem_codes
from kapital.tokenization.domain.states import IssueState
from kapital.verify.report import Report
from kapital.verify.signed_note import encode_base64, parse_checkpoint, split_note

SIGNED_ACT: Final = "signed-act.json"
_MONEY_COLUMNS: Final = ("reserved_kopecks", "raised_kopecks", "refunded_kopecks", "paid_to_holders_kopecks")
_FAILED: Final = {IssueState.FAILED, IssueState.REFUNDING, IssueState.REFUNDED}
# Why the story meets them; what a rule says in general stands in its problem.
_REASONS: Final = {
    "balance_insufficient": "the order cost more than the wallet held; one investor brought one rouble only",
    "investor_must_be_qualified": "the decision allows qualified investors only; every third of these people is one",
    "order_exceeds_retail_limit": "an unqualified person acquires for 600,000 roubles a year at most",
    "placement_must_be_open": "the issue was fully ordered by then, or its placement had closed",
}
_INVARIANTS: Final = {
    "I1": "holders' units and extinguished ones are what was issued",
    "I2": "clients' money in the register is what the bank holds",
    "I3": "the chain of hashes holds, and the audit copy tells the same",
    "I4": "the register rebuilt from the log is the register",
    "I5": "every record has its basis",
    "I6": "no balance is negative, no issue above its limit",
    "I7": "no personal data in the ledger or in events",
}


async def summary(
    kapital: Kapital, story: Story, invariants: Invariants, note: str, evidence: Path, seconds: float
) -> dict[str, Any]:
    """Return the object that `kapital demo --json` prints."""
    checkpoint = parse_checkpoint(split_note(note)[0])
    paid = await kapital.bank.paid()
    return {
        "issues": [_issue(issue) for issue in story.issues],
        "investors": len(story.investors),
        "accepted_orders": story.accepted_orders,
        "signatures": {"scheme": story.signing.scheme, "acts": story.signing.signed},
        "money_in_kopecks": story.money_in_kopecks,
        "money_out_kopecks": sum(paid.values()),
        "money": {
            "investors_in_kopecks": story.investors_in_kopecks,
            "issuers_in_kopecks": story.issuers_in_kopecks,
            "investors_out_kopecks": story.investors_out_kopecks,
            "issuers_out_kopecks": story.issuers_out_kopecks,
        },
        "refused": dict(sorted(story.refused.items())),
        "entries": await kapital.ledger.size(),
        "checkpoint": {"size": checkpoint.size, "root": encode_base64(checkpoint.root)},
        "invariants": invariants.holds(),
        "evidence": str(evidence),
        "seconds": round(seconds, 1),
    }


def _issue(issue: IssueStory) -> dict[str, Any]:
    if issue.book is None or issue.details is None:
        raise AssertionError
    state = IssueState(issue.details.issue.state)
    return {
        "terms": issue.file.name,
        "code": issue.terms.code,
        "issue_id": str(issue.issue_id),
        "outcome": "failed" if state in _FAILED else "held",
        "state": state.value,
        "units": issue.book.allocated_units,
        "holders": issue.holders,
        "ordered_units": issue.book.accepted_units,
        "reserved_kopecks": issue.book.accepted_kopecks,
        "raised_kopecks": issue.book.paid_kopecks,
        "refunded_kopecks": issue.book.accepted_kopecks - issue.book.paid_kopecks,
        "paid_to_holders_kopecks": sum(action.paid_kopecks or 0 for action in issue.actions),
        "payments": len(issue.actions),
    }


def show(console: Console, told: dict[str, Any], invariants: Invariants, proof: Report, folder: Path) -> None:
    """Print the summary for a reader."""
    console.print(_issues_table(told["issues"]))
    for line in (*_issue_money_lines(told["issues"]), "", *money_lines(told), "", *_refusal_lines(told)):
        console.print(line, soft_wrap=True)
    console.print(_signature_line(told["signatures"]), soft_wrap=True)
    console.print(
        f"\nLedger: {told['entries']} entries; checkpoint size {told['checkpoint']['size']}, "
        f"root {told['checkpoint']['root']}",
        soft_wrap=True,
    )
    console.print("Invariants, each recomputed from the entries:")
    for name, holds in told["invariants"].items():
        mark = "[green]✓[/green]" if holds else "[red]✗[/red]"
        console.print(f"  {mark} {name} {_INVARIANTS[name]}", soft_wrap=True)
    for name, finding in invariants.findings:
        console.print(f"[red]{name} {finding.code} at {finding.where}: {finding.detail}[/red]", soft_wrap=True)
    verdict = "[green]accepted[/green]" if proof.accepted else f"[red]refused: {proof.code}[/red]"
    console.print(
        f"\nEvidence: a holder's statement taken while units were held, {verdict} by the offline verifier",
        soft_wrap=True,
    )
    held = {balance.asset for balance in proof.balances}
    named = (f"{issue['code']} {issue['issue_id']}" for issue in told["issues"] if issue["issue_id"] in held)
    for line in ("In it the assets stand by their ids:", *(f"  {one}" for one in named)):
        console.print(line, soft_wrap=True, highlight=False)
    for line in _next_lines(told["evidence"], folder):
        console.print(line, soft_wrap=True, highlight=False)
    console.print(f"{told['seconds']} s")


def _issues_table(issues: list[dict[str, Any]]) -> Table:
    table = Table(title="What was issued", title_justify="left", box=SIMPLE)
    for heading in ("Issue", "Outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Units ordered", "Units placed", "Holders", "Payments"):
        table.add_column(heading, justify="right", no_wrap=True)
    for issue in issues:
        numbers = (_whole(issue["ordered_units"]), _whole(issue["units"]), issue["holders"], issue["payments"])
        table.add_row(issue["code"], issue["outcome"], *map(str, numbers))
    return table


def _issue_money_lines(issues: list[dict[str, Any]]) -> list[str]:
    """Money of each issue and in total; reserved = placed + refunded. Narrow enough for 80 columns."""
    rows = [(issue["code"], *(issue[name] for name in _MONEY_COLUMNS)) for issue in issues]
    rows.append(("Total", *(sum(issue[name] for issue in issues) for name in _MONEY_COLUMNS)))
    heads = ("Reserved", "Placed", "Refunded", "Paid out")
    return [f"  {'Money, ₽':<14}" + "".join(f"{head:>16}" for head in heads)] + [
        f"  {code:<14}" + "".join(f"{_rubles(kopecks):>16}" for kopecks in money) for code, *money in rows
    ]


def money_lines(told: dict[str, Any]) -> list[str]:
    """The way of the money: what came, what moved between the two sides, what left. Both columns must add up."""
    money = told["money"]
    placed = sum(issue["raised_kopecks"] for issue in told["issues"])
    paid = sum(issue["paid_to_holders_kopecks"] for issue in told["issues"])
    rows = (
        ("brought to the nominal account", money["investors_in_kopecks"], money["issuers_in_kopecks"]),
        ("placed: money against units", -placed, placed),
        ("paid out to holders", paid, -paid),
        ("taken out again", money["investors_out_kopecks"], money["issuers_out_kopecks"]),
    )
    lines = [f"  {'The way of the money, ₽':<32}{'investors':>20}{'issuers':>20}"]
    lines += [f"  {words:<32}{_signed(left):>20}{_signed(right):>20}" for words, left, right in rows]
    for side, place in (("investors", 1), ("issuers", 2)):
        if sum(int(row[place]) for row in rows[:3]) != rows[3][place]:
            lines.append(f"[red]  the money of the {side} does not add up[/red]")
    inward, out = told["money_in_kopecks"], told["money_out_kopecks"]
    lines.append(
        f"  in all {_rubles(inward)} ₽ came to the bank and {_rubles(out)} ₽ left it"
        if inward == out
        else f"[red]  {inward} kopecks came to the bank and {out} left it: they differ[/red]"
    )
    return lines


def _refusal_lines(told: dict[str, Any]) -> list[str]:
    refused = told["refused"]
    head = f"Orders: {told['accepted_orders']} accepted, {sum(refused.values())} refused"
    if not refused:
        return [head]
    lines = [f"{head}; the story provokes these on purpose, and a refusal changes nothing:"]
    return lines + [f"  {count:>5}  {code} – {_reason(code)}" for code, count in refused.items()]


def _reason(code: str) -> str:
    if code in _REASONS:
        return _REASONS[code]
    problem = problem_codes().get(code)
    return problem.title if problem is not None else "a rule of the ledger (docs/reference/ledger-refusals.md)"


def _next_lines(evidence: str, folder: Path) -> list[str]:
    files = " ".join(
        f"{option} {folder / name}"
        for option, name in (
            ("--key-file", "log.vkey"),
            ("--checkpoint", "checkpoint.txt"),
            ("--consistency-proof", "consistency.txt"),
        )
    )
    return [
        "Check it yourself, without network:",
        f"  .venv/bin/kapital verify {evidence} {files}",
        *_signed_act_lines(folder),
        "Look at the issues in a browser (Ctrl-C stops the server):",
        f"  KAPITAL_DATA_DIR={folder} make run      then http://127.0.0.1:8080/disclosure/issues",
    ]


def _signed_act_lines(folder: Path) -> list[str]:
    file = folder / SIGNED_ACT
    roots = folder / "trust" / "roots" / "root.cer"
    return [f"  .venv/bin/kapital signature recheck {file} --roots {roots}"] if file.exists() else []


def _signature_line(signatures: dict[str, Any]) -> str:
    if not signatures["acts"]:
        return "\nActs: authorised by the session alone, for libcrypto of OpenSSL 3 is not installed here"
    return (
        f"\nActs: {signatures['acts']} signed ({signatures['scheme']}, CAdES) over their RFC 8785 form with "
        "certificates of a sandbox authority, each checked with chain and revocation before it was carried out"
    )


def _whole(number: int) -> str:
    return f"{number:,}".replace(",", "\u00a0")


def _signed(kopecks: int) -> str:
    return ("-" if kopecks < 0 else "+") + _rubles(abs(kopecks))


def _rubles(kopecks: int) -> str:
    return format_rubles(kopecks, "ru").removesuffix("₽").strip()
