"""Search Europe PMC and ClinicalTrials.gov (version 2) over their public interfaces.

Nothing in the project calls these unless a person asks for a search. The address is an argument, so that
tests replay documented responses from a local server.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.evidence.growing.references import Reference, normal_doi

EUROPE_PMC = "https://www.ebi.ac.uk/europepmc/webservices/rest"
CLINICAL_TRIALS = "https://clinicaltrials.gov/api/v2"
PAGE = 100
MAX_RECORDS = 5_000
TIMEOUT_S = 30.0
TRIES = 3
_RETRY = (429, 500, 502, 503, 504)


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
        parameters = {
            "query": query,
            "format": "json",
            "resultType": "lite",
            "pageSize": PAGE,
            "cursorMark": cursor,
        }
        answer = _get(f"{base_url}/search", parameters, pause_s)
        _within(answer.get("hitCount"), limit, "Europe PMC")
        found += _articles(answer)
        following = answer.get("nextCursorMark", "")
        if not following or following == cursor or not answer.get("resultList", {}).get("result"):
            return found
        cursor = following


def search_clinical_trials(
    query: str, *, base_url: str = CLINICAL_TRIALS, limit: int = MAX_RECORDS, pause_s: float = 1.0
) -> list[Reference]:
    """Return the studies that ClinicalTrials.gov finds for a query, following its page tokens.

    Raises ``FindingsError`` as ``search_europe_pmc`` does.
    """
    found: list[Reference] = []
    token = ""
    while True:
        parameters: dict[str, Any] = {
            "query.term": query,
            "format": "json",
            "pageSize": PAGE,
            "countTotal": "true",
        }
        if token:
            parameters["pageToken"] = token
        answer = _get(f"{base_url}/studies", parameters, pause_s)
        _within(answer.get("totalCount"), limit, "ClinicalTrials.gov")
        found += _trials(answer)
        token = answer.get("nextPageToken", "")
        if not token:
            return found


def _articles(answer: dict[str, Any]) -> Iterator[Reference]:
    for item in answer.get("resultList", {}).get("result", []):
        year = str(item.get("pubYear", ""))
        yield Reference(
            source="Europe PMC",
            kind="database",
            title=item.get("title") or f"(no title) {item.get('source')} {item.get('id')}",
            authors=item.get("authorString", ""),
            year=int(year) if year.isdigit() else None,
            journal=item.get("journalTitle", ""),
            doi=normal_doi(item.get("doi", "")),
            pmid=str(item.get("pmid", "")),
            imported_from="Europe PMC search",
        )


def _trials(answer: dict[str, Any]) -> Iterator[Reference]:
    for item in answer.get("studies", []):
        section = item.get("protocolSection", {})
        identity = section.get("identificationModule", {})
        start = section.get("statusModule", {}).get("startDateStruct", {}).get("date", "")
        year = re.match(r"\d{4}", start)
        yield Reference(
            source="ClinicalTrials.gov",
            kind="register",
            title=identity.get("officialTitle") or identity.get("briefTitle") or identity.get("nctId", ""),
            year=int(year[0]) if year else None,
            registry_id=identity.get("nctId", ""),
            imported_from="ClinicalTrials.gov search",
        )


def _get(url: str, parameters: dict[str, Any], pause_s: float) -> dict[str, Any]:
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
            if isinstance(answer, dict):
                return answer
            raise _failed(url, "the answer is not a JSON object")
    raise _failed(url, problem)


def _failed(url: str, problem: str) -> FindingsError:
    return FindingsError([Finding("search", url, problem, next_step="try again later, or import an export")])


def _within(total: Any, limit: int, service: str) -> None:
    if isinstance(total, int) and total > limit:
        problem = f"{service} holds {total} records for this query"
        raise FindingsError([Finding("search", "query", problem, allowed=f"at most {limit}",
                                     next_step="narrow the query")])  # fmt: skip
