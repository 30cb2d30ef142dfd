"""Self-contained HTML pages: styles, figures and data inside, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.output import Page
from eubiosis.core.version import __version__
from eubiosis.report.abbreviations import spelled_out
from eubiosis.report.as_read import as_read
from eubiosis.report.figures.axis_plots import course_panels, share_bars
from eubiosis.report.tables_html import finish_tables

NOTICE = (
    "Nothing on this page is evidence that a therapy works, and nothing is medical advice. Every effect is "
    "prior only: not calibrated to any clinical outcome. Most numbers are assumed."
)
_BASIS_COLOURS = {"measured": "#0f5132", "fitted": "#0072B2", "derived": "#5b6e7f", "assumed": "#b45309"}
_PANELS = (
    ("gut_C_Bu", "luminal butyrate, mM"),
    ("gut_LPS", "luminal LPS, mg/L"),
    ("host_ahr", "AHR tone of plasma, relative"),
    ("host_R", "Treg, relative"),
    ("host_T17", "Th17, relative"),
    ("host_C", "CNS infiltrate, model units"),
)


class VerdictLike(Protocol):
    """A row of the target table."""

    @property
    def quantity(self) -> str: ...
    @property
    def condition(self) -> str: ...
    @property
    def model(self) -> float: ...
    @property
    def target(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def role(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def unit(self) -> str: ...


def render(template: str, *, script: str = "", **values: object) -> str:
    """Fill one of the packaged templates; text is escaped unless a template marks it safe.

    ``script`` names the packaged scripts that the page may run, apart by spaces and joined into one: its
    policy admits no other, by hash, and nothing that is fetched. Without it the page runs none. Every table
    is finished for phones, keyboards and screen readers.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("eubiosis.report", "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["link"] = link
    environment.filters["number"] = _two_decimals
    environment.filters["read"] = as_read
    code = "\n".join(packaged_text(name) for name in script.split())
    page = environment.get_template(template).render(
        css=Markup(packaged_text("eubiosis.css")),
        policy=Markup(content_policy(code)),
        script=Markup(code),
        version=__version__,
        **values,
    )
    head, mark, rest = spelled_out(page).partition("<main")
    body, end, tail = rest.partition("</main>")
    return head + mark + finish_tables(body) + end + tail


def packaged_text(name: str) -> str:
    """Return the text of a packaged template, style or script."""
    return resources.files("eubiosis.report").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def content_policy(script: str) -> str:
    """Return the content security policy of a page: nothing fetched, nothing evaluated, one script by hash.

    >>> "script-src" in content_policy(""), "sha256-" in content_policy("a")
    (False, True)
    """
    rules = ["default-src 'none'", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'"]
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
        rules.append(f"script-src 'sha256-{digest}'")
    return "; ".join(rules)


def link(source: str) -> str:
    """Return the first address in a source, or an empty string; only http and https addresses count."""
    for word in source.replace(";", " ").split():
        if word.startswith(("http://", "https://")):
            return word
    if source.startswith("10."):
        return "https://doi.org/" + source.partition(" ")[0]
    return ""


def _two_decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def axis_panels() -> tuple[str, ...]:
    """Name the quantities that the page of the axis draws as time courses."""
    return tuple(name for name, _ in _PANELS)


def axis_page(
    times: NDArray[np.float64],
    courses: Mapping[str, Mapping[str, NDArray[np.float64]]],
    shares: Mapping[str, Mapping[str, float]],
    verdicts: Sequence[VerdictLike],
    basis: Mapping[str, float],
    *,
    numbers: int,
) -> str:
    """Return the page of the axis: time courses of a few people, guild shares, the target table.

    ``times`` in days, shape (times,); ``courses`` person -> quantity -> values of the same shape.
    """
    origin = f"Eubiosis {__version__}, simulated, prior only"
    counts = {word: sum(v.verdict.startswith(word) for v in verdicts) for word in ("hit", "miss", "untested")}
    return render(
        "axis.html",
        title=str(Page.AXIS),
        notice=NOTICE,
        origin=origin,
        courses=course_panels(times, courses, _PANELS),
        shares=share_bars(shares),
        basis=[
            {"name": name, "percent": 100 * share, "colour": _BASIS_COLOURS[name]}
            for name, share in basis.items()
        ],
        numbers=numbers,
        hits=counts["hit"],
        misses=counts["miss"],
        untested=counts["untested"],
        rows=[_target_row(v) for v in verdicts],
    )


def _target_row(verdict: VerdictLike) -> dict[str, str]:
    number = {name: getattr(verdict, name) for name in ("model", "target", "low", "high")}
    return {
        "quantity": verdict.quantity,
        "condition": verdict.condition.replace("_", " "),
        **{name: "" if value is None else f"{value:.3g}" for name, value in number.items()},
        "unit": "" if verdict.unit == "-" else verdict.unit,
        "role": verdict.role,
        "verdict": verdict.verdict,
        "tag": verdict.verdict.split()[0],
    }
