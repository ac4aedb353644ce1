"""An audit in a notebook or at a prompt."""

from __future__ import annotations

from clif.objectives.auditing import Audit, AuditResult
from clif.objectives.coverage import lacking
from clif.showing.views import Bar, Block, Line, Row, Table, View, number, warnings


def view_of(audit: Audit) -> View:
    """A table for WEAT, one for other kinds, what was skipped and why."""
    weats = [result for result in audit.results if result.kind == "weat"]
    others = [result for result in audit.results if result.kind != "weat"]
    blocks: list[Block] = []
    if weats:
        blocks += [_weat(weats), _how_to_read(weats)]
    if others:
        blocks.append(_others(others))
        blocks += [Line(f"{result.test}: positive: {result.positive}", note=True) for result in others]
    for skipped in audit.skipped:
        why = lacking(skipped.missing) if any(skipped.missing.values()) else skipped.reason
        blocks.append(Line(f"Skipped: {skipped.test}: {why}", note=True))
    blocks += warnings([warning for result in audit.results for warning in result.warnings])
    return View(f"Bias in {audit.source}", blocks)


def _weat(results: list[AuditResult]) -> Table:
    models = any(result.over_seeds for result in results)
    columns = ["test", "effect size", "", "p", "two-sided", "words X/Y/A/B", "missing"]
    rows: list[Row] = [
        [
            result.test,
            number(result.effect_size, 2, sign=True),
            Bar(result.effect_size or 0.0, 2.0),
            _p(result, result.p_value),
            _p(result, result.p_value_two_sided),
            "/".join(str(len(result.words[key])) for key in "XYAB"),
            str(sum(map(len, result.missing.values()))),
            *([_over_seeds(result)] if models else []),
        ]
        for result in results
    ]
    return Table([*columns, *(["mean over models"] if models else [])], rows)


def _how_to_read(results: list[AuditResult]) -> Line:
    """What a positive value means: of one test by its labels."""
    labels = results[0].labels if len(results) == 1 else {key: key for key in "XYAB"}
    sampled = any(result.p_value_kind == "sampled" for result in results)
    return Line(
        f"Positive: {labels['X']} with {labels['A']}, {labels['Y']} with {labels['B']}. p: share of the divisions of "
        f"the target words with as large a statistic{' (~ sampled)' if sampled else ''}.",
        note=True,
    )


def _others(results: list[AuditResult]) -> Table:
    rows = [
        [
            result.test,
            result.kind,
            result.measure.replace("_", " "),
            number(result.value, 4, sign=True),
            number(result.published, 4, sign=True),
            _p(result, result.p_value),
        ]
        for result in results
    ]
    return Table(["test", "kind", "measure", "value", "published", "p"], rows, texts=(0, 1, 2))


def _over_seeds(result: AuditResult) -> str:
    found = result.over_seeds or {}
    interval = found.get("ci95")
    digits = 2 if result.measure == "effect_size" else 4
    ends = f" ({interval[0]:+.{digits}f} to {interval[1]:+.{digits}f})" if interval else ""
    return number(found.get("mean"), digits, sign=True) + ends


def _p(result: AuditResult, value: float | None) -> str:
    return "-" if value is None else ("~" if result.p_value_kind == "sampled" else "") + f"{value:.4f}"
