"""What the doctor found, where there is one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Markup, element, join

__all__ = ["section"]

_DOCTOR = "chainrule.doctor"


def section(evidence: Evidence) -> Markup | None:
    """The findings about model and rows; None where chainrule has no doctor."""
    doctor = _doctor()
    if doctor is None:
        return None
    table, y = evidence.training or (evidence.table, evidence.y)
    findings = doctor.diagnose(evidence.model, table, y).findings
    if not findings:
        return element("p", "The doctor found nothing wrong.")
    return element("ul", [_item(finding) for finding in findings], class_="findings")


def _doctor() -> Any:
    try:
        return import_module(_DOCTOR)
    except ModuleNotFoundError as error:
        if error.name != _DOCTOR:
            raise
        return None


def _item(finding: Any) -> Markup:
    return element(
        "li",
        element("h3", f"{finding.severity}: {finding.code}"),
        element("p", finding.explanation),
        element(
            "dl",
            [
                join(element("dt", name), element("dd", getattr(finding, name)))
                for name in ("where", "evidence", "remedy")
            ],
        ),
    )
