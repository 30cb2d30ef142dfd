"""A page of sections outside a profile: the scores of forecasts on finished studies."""

from __future__ import annotations

import json
from collections.abc import Sequence

from eubiosis.core.record import Plain, as_record
from eubiosis.core.stool_forecast import NOT_FOR_CARE
from eubiosis.core.stool_profile import ProfileSection
from eubiosis.report.pages import render


def sections_page(
    title: str,
    lead: str,
    sections: Sequence[ProfileSection],
    data: Plain = None,
    *,
    notice: str = NOT_FOR_CARE,
) -> str:
    """Return a page of sections as HTML text that needs nothing beside itself; every text is escaped.

    ``notice`` says what the page is and is not.
    """
    from markupsafe import Markup

    text = json.dumps(as_record(data), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return render(
        "sections.html",
        title=title,
        lead=lead,
        notice=notice,
        sections=sections,
        figures=[[Markup(svg) for svg, _ in section.figures] for section in sections],
        data=Markup(text),
    )
