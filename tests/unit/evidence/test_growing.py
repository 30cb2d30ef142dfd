"""Importing, de-duplicating, screening, the flow, and the two search clients against a local server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.evidence.growing import clients
from eubiosis.evidence.growing.importers import read_file, read_text
from eubiosis.evidence.growing.references import (
    Reference,
    compare,
    merge,
    normal_doi,
    normal_title,
    read_references,
    write_references,
)
from eubiosis.evidence.growing.screening import ScreeningDecision, flow, record

RIS = """TY  - JOUR
AU  - Alpha, A.
AU  - Beta, B.
TI  - A made-up trial of fibre
  in a made-up disease
PY  - 2021/03/04
JO  - Journal of Examples
DO  - https://doi.org/10.1234/ABC.5
ER  -

TY  - JOUR
TI  - A second record
PY  - 2019
ER  -
"""
NBIB = """PMID- 11111111
TI  - A made-up trial of fibre in a made-up
      disease.
FAU - Alpha, Ann
DP  - 2021 Mar
JT  - Journal of Examples
LID - S0000-0000(21)00001-1 [pii]
LID - 10.1234/abc.5 [doi]
SI  - ClinicalTrials.gov/NCT01234567

PMID- 22222222
TI  - Another one.
DP  - 2020
"""
BIBTEX = """% exported
@comment{not an entry}
@article{alpha2021,
  title = {A made-up {Trial} of fibre in a made-up disease},
  author = {Alpha, Ann and Beta, Bob},
  year = 2021,
  journal = "Journal of {Examples}",
  doi = {10.1234/abc.5},
}
@article{x, title = {Third}, year = {2018}}
"""
PUBMED = (
    "PMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,Create Date,PMCID,NIHMS ID,DOI\n"
    '33333333,"A title, with a comma",A A,cit,A,J Ex,2022,2022/01/01,,,10.1234/comma\n'
)
SCOPUS = (
    '\ufeff"Authors","Title","Year","Source title","DOI","Link","PubMed ID","EID"\n'
    '"A.","Scopus record","2020","J","10.1234/sc","https://example.org/x","44444444","2-s2.0-1"\n'
)
WOS = (
    "Publication Type\tAuthors\tArticle Title\tSource Title\tPublication Year\tDOI\tPubmed Id\n"
    "J\tA\tWoS record\tJ\t2017\t10.1234/w\t5\n"
)
TRIALS = "NCT Number,Study Title,Study URL,Start Date\nNCT01234567,A registered trial,https://example.org/n,2020-01-31\n"


def read(text, source=""):
    findings = FindingCollector()
    found = read_text(text, "export", findings, source=source)
    assert findings.findings == []
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RIS, ("RIS", 2, "A made-up trial of fibre in a made-up disease", 2021, "10.1234/abc.5", "")),
        (
            NBIB,
            (
                "PubMed",
                2,
                "A made-up trial of fibre in a made-up disease.",
                2021,
                "10.1234/abc.5",
                "11111111",
            ),
        ),
        (BIBTEX, ("BibTeX", 2, "A made-up Trial of fibre in a made-up disease", 2021, "10.1234/abc.5", "")),
        (PUBMED, ("PubMed", 1, "A title, with a comma", 2022, "10.1234/comma", "33333333")),
        (WOS, ("Web of Science", 1, "WoS record", 2017, "10.1234/w", "5")),
    ],
    ids=["ris", "nbib", "bibtex", "pubmed", "wos"],
)
def test_every_format_is_read(text, expected):
    found = read(text)
    first = found[0]
    assert (first.source, len(found), first.title, first.year, first.doi, first.pmid) == expected


def test_scopus_with_a_byte_order_mark_and_a_register(tmp_path):
    path = tmp_path / "scopus.csv"
    path.write_text(SCOPUS, encoding="utf-8")
    findings = FindingCollector()
    found = read_file(path, findings)
    assert findings.findings == []
    assert (found[0].source, found[0].pmid, found[0].imported_from) == ("Scopus", "44444444", "scopus.csv")
    trial = read(TRIALS)[0]
    assert (trial.kind, trial.registry_id, trial.year) == ("register", "NCT01234567", 2020)
    assert read(NBIB)[0].registry_id == "NCT01234567"
    assert read(BIBTEX)[0].authors == "Alpha, Ann; Beta, Bob"
    assert read(RIS, source="Embase")[0].source == "Embase"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("TY  - JOUR\nPY  - 2020\nER  - \n", "without a title"),
        ("@article{x, title = {never closed\n", "never closed"),
        ("a,b\n1,2\n", "unknown format"),
        ("", "unknown format"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_finding(text, word):
    findings = FindingCollector()
    read_text(text, "export", findings)
    assert any(word in finding.problem for finding in findings.findings)


def test_bytes_that_are_not_text_are_a_finding(tmp_path):
    path = tmp_path / "bad.ris"
    path.write_bytes(b"TY  - \xff\xfe")
    findings = FindingCollector()
    assert read_file(path, findings) == []
    assert read_file(tmp_path / "absent.ris", findings) == []
    assert [f.problem for f in findings.findings] == ["not UTF-8 text", "the file is missing"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_no_text_makes_the_reader_crash(text):
    for prefix in ("", "TY  - JOUR\n", "PMID- 1\n", "@article{", "PMID,Title,Journal/Book\n"):
        read_text(prefix + text, "export", FindingCollector())


def ref(**values):
    return Reference(
        **{"source": "PubMed", "kind": "database", "title": "A trial of fibre", "year": 2020, **values}
    )


def test_what_counts_as_the_same_report():
    assert compare(ref(doi="10.1234/a"), ref(doi="10.1234/A", title="Other words")) == "same"
    assert compare(ref(doi="10.1234/a"), ref(doi="10.1234/b")) == "different"
    assert compare(ref(pmid="1"), ref(pmid="1", title="Other")) == "same"
    assert compare(ref(), ref(title="A TRIAL of fibre.", year=2021)) == "same"
    assert compare(ref(), ref(year=2023)) != "same"
    assert compare(ref(title="A trial of fibre in multiple sclerosis, part one"),
                   ref(title="A trial of fibre in multiple sclerosis, part two")) == "possible"  # fmt: skip
    assert compare(ref(), ref(kind="register", source="ClinicalTrials.gov")) == "different"


@pytest.mark.parametrize(
    "text", ["10.1234/ABC.5", "doi:10.1234/abc.5", "https://doi.org/10.1234/abc.5.", " 10.1234/Abc.5; "]
)
def test_doi_forms_are_one(text):
    assert normal_doi(text) == "10.1234/abc.5"


def test_title_without_accents_and_markup():
    assert normal_title("Étude of <i>F. prausnitzii</i>!") == "etude of f prausnitzii"


def test_three_databases_with_one_report_give_one(tmp_path):
    everything = [*read(RIS), *read(NBIB), *read(BIBTEX)]
    merged = merge([], everything)
    assert len(merged) == 6  # nothing is dropped
    assert [r.duplicate_of for r in merged] == ["", "", "ref00001", "", "ref00001", ""]
    again = merge(merged, everything)
    assert sum(not r.duplicate_of for r in again) == 4
    write_references(tmp_path, merged)
    assert read_references(tmp_path) == merged


def decide(folder, reference, stage, decision, **more):
    record(folder, ScreeningDecision(reference_id=reference, stage=stage, decision=decision, by="reviewer 1",
                            date="2026-01-02", **more))  # fmt: skip


def test_the_flow_counts_what_was_decided(tmp_path):
    write_references(tmp_path, merge([], [*read(RIS), *read(NBIB), *read(TRIALS)]))
    counted = flow(tmp_path)
    assert counted.databases == {"RIS": 2, "PubMed": 2}
    assert counted.registers == {"ClinicalTrials.gov": 1}
    assert (counted.duplicates_removed, counted.awaiting_screening, counted.screened) == (1, 4, 0)
    decide(tmp_path, "ref00001", "screening", "include")
    decide(tmp_path, "ref00002", "screening", "exclude", reason="animals")
    decide(tmp_path, "ref00004", "screening", "include")
    decide(tmp_path, "ref00001", "retrieval", "include")
    decide(tmp_path, "ref00004", "retrieval", "exclude", reason="no full text")
    decide(tmp_path, "ref00001", "eligibility", "exclude", reason="no control")
    decide(tmp_path, "ref00001", "eligibility", "include", study_id="alpha2021")  # a later decision replaces
    counted = flow(tmp_path)
    assert (counted.screened, counted.excluded_at_screening, counted.sought) == (3, 1, 2)
    assert (counted.not_retrieved, counted.assessed, counted.included_studies) == (1, 1, 1)
    assert counted.excluded_at_eligibility == {}
    # the boxes add up at every step
    total = sum(counted.databases.values()) + sum(counted.registers.values())
    assert total - counted.duplicates_removed == counted.screened + counted.awaiting_screening
    assert counted.sought == counted.not_retrieved + counted.assessed + counted.awaiting_retrieval + (
        counted.awaiting_eligibility
    )


def test_decisions_out_of_order_are_refused(tmp_path):
    write_references(tmp_path, merge([], [*read(RIS), *read(NBIB)]))
    with pytest.raises(FindingsError, match="has not passed screening"):
        decide(tmp_path, "ref00001", "retrieval", "include")
    with pytest.raises(FindingsError, match="duplicate of ref00001"):
        decide(tmp_path, "ref00003", "screening", "include")
    with pytest.raises(FindingsError, match="unknown"):
        decide(tmp_path, "ref09999", "screening", "include")
    with pytest.raises(ValueError, match="without a reason"):
        ScreeningDecision(
            reference_id="ref00001", stage="eligibility", decision="exclude", by="x", date="2026-01-02"
        )


class Replay(BaseHTTPRequestHandler):
    """Answer as the services document: a cursor for one, page tokens for the other."""

    failures = 0
    seen: tuple = ()

    def do_GET(self):
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        type(self).seen = (*type(self).seen, (parts.path, query))
        if type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
            return
        if parts.path == "/search" and query["query"] == "broken":
            body = b"not json"
        elif parts.path == "/search":
            body = json.dumps(self.europe_pmc(query)).encode()
        elif parts.path == "/studies":
            body = json.dumps(self.trials(query)).encode()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    @staticmethod
    def europe_pmc(query):
        first = {
            "id": "1",
            "source": "MED",
            "pmid": "1",
            "doi": "10.1234/A",
            "title": "First.",
            "pubYear": "2020",
        }
        second = {"id": "2", "source": "PPR", "title": "Second", "pubYear": "2021"}
        pages = {"*": ([first], "next"), "next": ([second], "last"), "last": ([], "last")}
        result, following = pages[query["cursorMark"]]
        hits = 9_999_999 if query["query"] == "everything" else 2
        return {
            "version": "6.9",
            "hitCount": hits,
            "nextCursorMark": following,
            "resultList": {"result": result},
        }

    @staticmethod
    def trials(query):
        number = "NCT00000002" if query.get("pageToken") == "page2" else "NCT00000001"
        identity = {"nctId": number, "briefTitle": f"Trial {number}"}
        status = {"startDateStruct": {"date": "2021-05"}}
        study = {"protocolSection": {"identificationModule": identity, "statusModule": status}}
        answer = {"studies": [study], "totalCount": 2}
        if "pageToken" not in query:
            answer["nextPageToken"] = "page2"
        return answer

    def log_message(self, *arguments):
        """Stay quiet."""


@pytest.fixture
def no_proxy(monkeypatch):
    """Keep a proxy of the machine out of the way of the loopback address."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def service(no_proxy):
    Replay.failures, Replay.seen = 0, ()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def test_europe_pmc_follows_its_cursor(service):
    found = clients.search_europe_pmc("fibre AND sclerosis", base_url=service, pause_s=0)
    assert [(r.title, r.year, r.doi) for r in found] == [("First.", 2020, "10.1234/a"), ("Second", 2021, "")]
    assert [query["cursorMark"] for _, query in Replay.seen] == ["*", "next", "last"]
    assert all(query["format"] == "json" for _, query in Replay.seen)


def test_clinical_trials_follows_its_tokens(service):
    found = clients.search_clinical_trials("multiple sclerosis probiotic", base_url=service, pause_s=0)
    assert [(r.registry_id, r.kind, r.year) for r in found] == [
        ("NCT00000001", "register", 2021), ("NCT00000002", "register", 2021),
    ]  # fmt: skip


def test_a_busy_service_is_asked_again_and_a_dead_one_is_a_finding(service):
    Replay.failures = 1
    assert len(clients.search_europe_pmc("fibre", base_url=service, pause_s=0)) == 2
    Replay.failures = 99
    with pytest.raises(FindingsError, match="503"):
        clients.search_europe_pmc("fibre", base_url=service, pause_s=0)
    Replay.failures = 0
    with pytest.raises(FindingsError, match="not JSON"):
        clients.search_europe_pmc("broken", base_url=service, pause_s=0)
    with pytest.raises(FindingsError, match="9999999 records"):
        clients.search_europe_pmc("everything", base_url=service, pause_s=0)
    with pytest.raises(FindingsError, match="404"):
        clients.search_clinical_trials("x", base_url=f"{service}/nowhere", pause_s=0)
    with pytest.raises(FindingsError, match="http or https"):
        clients.search_europe_pmc("x", base_url="file:///etc", pause_s=0)


def test_an_address_where_nobody_listens(no_proxy):
    with pytest.raises(FindingsError, match="cannot be reached"):
        clients.search_europe_pmc("x", base_url="http://127.0.0.1:9", pause_s=0)
