"""What the demonstration ends with: one object for machines, a page for people."""

from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from kapital.app import Kapital
from kapital.demo.story import IssueStory, Story
from kapital.invariants import Invariants
from kapital.kernel.money import format_rubles
from kapital.tokenization.domain.states import IssueState
from kapital.verify.report import Report
from kapital.verify.signed_note import encode_base64, parse_checkpoint, split_note

_FAILED = {IssueState.FAILED, IssueState.REFUNDING, IssueState.REFUNDED}


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
        "money_in_kopecks": story.money_in_kopecks,
        "money_out_kopecks": sum(paid.values()),
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
        "outcome": "failed" if state in _FAILED else "held",
        "state": state.value,
        "units": issue.book.allocated_units,
        "holders": issue.holders,
        "ordered_units": issue.book.accepted_units,
        "raised_kopecks": issue.book.paid_kopecks,
        "paid_to_holders_kopecks": sum(action.paid_kopecks or 0 for action in issue.actions),
        "payments": len(issue.actions),
    }


def show(console: Console, told: dict[str, Any], invariants: Invariants, proof: Report, folder: Path) -> None:
    """Print the summary for a reader."""
    table = Table(title="What was issued", title_justify="left", box=SIMPLE)
    for heading in ("Issue", "Outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Units", "Holders", "Raised, ₽", "Paid out, ₽"):
        table.add_column(heading, justify="right", no_wrap=True)
    for issue in told["issues"]:
        table.add_row(
            issue["code"],
            issue["outcome"],
            f"{issue['units']:,}".replace(",", "\u00a0"),
            str(issue["holders"]),
            _rubles(issue["raised_kopecks"]),
            _rubles(issue["paid_to_holders_kopecks"]),
        )
    console.print(table)
    inward, out = told["money_in_kopecks"], told["money_out_kopecks"]
    console.print(
        f"Money in {_rubles(inward)} ₽ = money out {_rubles(out)} ₽"
        if inward == out
        else f"[red]Money in {inward} kopecks, out {out}: they differ[/red]"
    )
    console.print(
        f"Orders accepted: {told['accepted_orders']}; refused: "
        + (", ".join(f"{code} {count}" for code, count in told["refused"].items()) or "none")
    )
    console.print(
        f"Ledger: {told['entries']} entries; checkpoint size {told['checkpoint']['size']}, "
        f"root {told['checkpoint']['root']}"
    )
    holds = told["invariants"]
    console.print(
        "Invariants: " + "  ".join(f"{n} {'[green]✓[/green]' if ok else '[red]✗[/red]'}" for n, ok in holds.items())
    )
    for name, finding in invariants.findings:
        console.print(f"[red]{name} {finding.code} at {finding.where}: {finding.detail}[/red]")
    verdict = "[green]accepted[/green]" if proof.accepted else f"[red]refused: {proof.code}[/red]"
    console.print(f"Evidence: {told['evidence']} ({verdict} by the offline verifier)", soft_wrap=True)
    console.print(
        f"Check it yourself: .venv/bin/kapital verify {told['evidence']} --key-file {folder / 'log.vkey'}",
        soft_wrap=True,
    )
    console.print(f"{told['seconds']} s")


def _rubles(kopecks: int) -> str:
    return format_rubles(kopecks, "ru").removesuffix("₽").strip()
