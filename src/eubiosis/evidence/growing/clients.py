"""Search Europe PMC and ClinicalTrials.gov (version 2) over their public interfaces.

Nothing in the project calls these unless a person asks for a search. The address is an argument, so that
tests replay documented responses from a local server.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.record import Plain
from eubiosis.evidence.growing.references import Reference, normal_doi

EUROPE_PMC = "https://www.ebi.ac.uk/europepmc/webservices/rest"
CLINICAL_TRIALS = "https://clinicaltrials.gov/api/v2"
PAGE = 100
MAX_RECORDS = 5_000
TIMEOUT_S = 30.0
TRIES = 3
_RETRY = (429, 500, 502, 503, 504)


class _Part(BaseModel):
    """A part of an answer: the keys that are used, the others ignored; null counts as absent."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class _Article(_Part):
    source: str | None = None
    id: str | None = None
    title: str | None = None
    author: str | None = Field(default=None, alias="authorString")
    year: str | None = Field(default=None, alias="pubYear")
    journal: str | None = Field(default=None, alias="journalTitle")
    doi: str | None = None
    pmid: str | None = None


class _Articles(_Part):
    result: list[_Article] = []


class _ArticlePage(_Part):
    total: int | None = Field(default=None, alias="hitCount")
    following: str = Field(default="", alias="nextCursorMark")
    articles: _Articles = Field(default=_Articles(), alias="resultList")


class _Identity(_Part):
    official_title: str | None = Field(default=None, alias="officialTitle")
    brief_title: str | None = Field(default=None, alias="briefTitle")
    registry_id: str = Field(default="", alias="nctId")


class _Date(_Part):
    date: str = ""


class _Status(_Part):
    start: _Date = Field(default=_Date(), alias="startDateStruct")


class _Protocol(_Part):
    identity: _Identity = Field(default=_Identity(), alias="identificationModule")
    status: _Status = Field(default=_Status(), alias="statusModule")


class _Trial(_Part):
    protocol: _Protocol = Field(default=_Protocol(), alias="protocolSection")


class _TrialPage(_Part):
    total: int | None = Field(default=None, alias="totalCount")
    following: str = Field(default="", alias="nextPageToken")
    studies: list[_Trial] = []


PageT = TypeVar("PageT", bound=_Part)
Parameters = dict[str, str | int]


def search_europe_pmc(
    query: str, *, base_url: str = EUROPE_PMC, limit: int = MAX_RECORDS, pause_s: float = 1.0
) -> list[Reference]:
    """Return the records that Europe PMC finds for a query in its own language, following its cursor.

    Raises ``FindingsError`` when the service cannot be reached, answers with an error, or holds more than
    ``limit`` records.
    """
    found: list[Reference] = []
    cursor = "*"
    while True:
        parameters: Parameters = {
            "query": query,
            "format": "json",
            "resultType": "lite",
            "pageSize": PAGE,
            "cursorMark": cursor,
        }
        answer = _get(f"{base_url}/search", parameters, pause_s, _ArticlePage)
        _within(answer.total, limit, "Europe PMC")
        found += [_reference(item) for item in answer.articles.result]
        if not answer.following or answer.following == cursor or not answer.articles.result:
            return found
        cursor = answer.following


def search_clinical_trials(
    query: str, *, base_url: str = CLINICAL_TRIALS, limit: int = MAX_RECORDS, pause_s: float = 1.0
) -> list[Reference]:
    """Return the studies that ClinicalTrials.gov finds for a query, following its page tokens.

    Raises ``FindingsError`` as ``search_europe_pmc`` does.
    """
    found: list[Reference] = []
    token = ""
    while True:
        parameters: Parameters = {
            "query.term": query,
            "format": "json",
            "pageSize": PAGE,
            "countTotal": "true",
        }
        if token:
            parameters["pageToken"] = token
        answer = _get(f"{base_url}/studies", parameters, pause_s, _TrialPage)
        _within(answer.total, limit, "ClinicalTrials.gov")
        found += [_registered(item) for item in answer.studies]
        token = answer.following
        if not token:
            return found


def _reference(item: _Article) -> Reference:
    year = item.year or ""
    return Reference(
        source="Europe PMC",
        kind="database",
        title=item.title or f"(no title) {item.source} {item.id}",
        authors=item.author or "",
        year=int(year) if year.isdigit() else None,
        journal=item.journal or "",
        doi=normal_doi(item.doi or ""),
        pmid=item.pmid or "",
        imported_from="Europe PMC search",
    )


def _registered(item: _Trial) -> Reference:
    identity = item.protocol.identity
    year = re.match(r"\d{4}", item.protocol.status.start.date)
    return Reference(
        source="ClinicalTrials.gov",
        kind="register",
        title=identity.official_title or identity.brief_title or identity.registry_id,
        year=int(year[0]) if year else None,
        registry_id=identity.registry_id,
        imported_from="ClinicalTrials.gov search",
    )


def _get(url: str, parameters: Parameters, pause_s: float, page: type[PageT]) -> PageT:
    """Fetch one page of JSON, trying again a few times where the service asks for patience."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise FindingsError([Finding("search", "address", f'"{url}"', allowed="an http or https address")])
    request = Request(f"{url}?{urlencode(parameters)}", headers={"Accept": "application/json"})
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            with urlopen(request, timeout=TIMEOUT_S) as response:
                answer = json.load(response)
        except HTTPError as error:
            problem = f"the service answers {error.code} {error.reason}"
            if error.code not in _RETRY:
                break
        except (URLError, TimeoutError) as error:
            problem = f"the service cannot be reached: {getattr(error, 'reason', error)}"
        except json.JSONDecodeError as error:
            raise _failed(url, f"the answer is not JSON: {error}") from error
        else:
            if not isinstance(answer, dict):
                raise _failed(url, "the answer is not a JSON object")
            return _page(url, answer, page)
    raise _failed(url, problem)


def _page(url: str, answer: Mapping[str, Plain], page: type[PageT]) -> PageT:
    try:
        return page.model_validate(answer)
    except ValidationError as error:
        places = ", ".join(".".join(str(step) for step in issue["loc"]) for issue in error.errors())
        raise _failed(url, f"the answer is not as documented at {places}") from error


def _failed(url: str, problem: str) -> FindingsError:
    return FindingsError([Finding("search", url, problem, next_step="try again later, or import an export")])


def _within(total: int | None, limit: int, service: str) -> None:
    if total is not None and total > limit:
        problem = f"{service} holds {total} records for this query"
        raise FindingsError([Finding("search", "query", problem, allowed=f"at most {limit}",
                                     next_step="narrow the query")])  # fmt: skip
