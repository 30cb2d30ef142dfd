"""Abbreviations of a page, spelled out at its end: those that it uses and no others."""

from __future__ import annotations

import re
from html import escape

from eubiosis.core.guilds import GUILD_NAMES

PLACE = "<!-- abbreviations -->"
_OF_PEOPLE = {
    "MS": "multiple sclerosis",
    "RRMS": "relapsing-remitting multiple sclerosis",
    "SPMS": "secondary progressive multiple sclerosis",
    "PPMS": "primary progressive multiple sclerosis",
    "EAE": "experimental autoimmune encephalomyelitis, a disease of animals",
    "MFIS": "Modified Fatigue Impact Scale, 0 to 84 points, more is worse",
    "FSS": "Fatigue Severity Scale",
    "BDI": "Beck Depression Inventory",
    "EDSS": "Expanded Disability Status Scale, 0 to 10 points, more is worse",
    "ARR": "annualised relapse rate",
    "Gd+": "enhancing with gadolinium",
    "T2": "of T2-weighted magnetic resonance images",
    "NfL": "neurofilament light, a protein set free by damaged nerve cells",
    "CRP": "C-reactive protein",
    "hs-CRP": "C-reactive protein by a high-sensitivity assay",
    "AE": "adverse event",
    "SAE": "serious adverse event",
    "IFNB": "interferon beta",
    "GA": "glatiramer acetate",
    "TERI": "teriflunomide",
    "CNS": "central nervous system",
}
_OF_STATISTICS = {
    "SD": "standard deviation",
    "SDs": "standard deviations",
    "MD": "mean difference",
    "SMD": "standardised mean difference",
    "RR": "rate ratio",
    "MCE": "Monte Carlo error",
    "MCID": "minimal clinically important difference, the smallest that matters",
    "ANCOVA": "analysis of covariance",
    "CRPS": "continuous ranked probability score",
    "TOC": "targeting operator characteristic",
    "AUTOC": "area under the targeting operator characteristic",
    "EASI": "effective algorithm for sensitivity indices",
    "ICC": "intraclass correlation",
    "IQR": "interquartile range",
}
_OF_BIOLOGY = {
    "SCFA": "short-chain fatty acids",
    "LPS": "lipopolysaccharide of bacteria",
    "FMT": "faecal microbiota transplantation",
    "CD4+": "bearing the surface molecule CD4: helper and regulatory T cells",
    "Treg": "regulatory T cells",
    "Th1": "helper T cells of type 1",
    "Th17": "helper T cells of type 17",
    "IL-6": "interleukin 6",
    "IL-10": "interleukin 10",
    "TNF": "tumour necrosis factor",
    "FFAR2": "free fatty acid receptor 2",
    "gDW": "grams of dry weight",
    "25(OH)D": "25-hydroxyvitamin D",
    "16S": "a gene of bacterial ribosomes, read to tell taxa apart",
    "GC-FID": "gas chromatography with flame ionisation detection",
    "GC-MS": "gas chromatography with mass spectrometry",
    "AHR": "aryl hydrocarbon receptor",
    "TGR5": "a receptor of bile acids",
    "TLR4": "Toll-like receptor 4",
    "IPA": "indole-3-propionate",
    "ILA": "indole-3-lactate",
    "IAA": "indole-3-acetate",
    "TUDCA": "tauroursodeoxycholate",
    "MIC": "minimal inhibitory concentration",
    "NSP": "non-starch polysaccharides",
    "IN": "inulin-type fructans, as a substrate",
    "RS": "resistant starch, as a substrate",
    "FS": "soluble fibre, as a substrate",
    "FI": "insoluble fibre, as a substrate",
    "SU": "sugars, as a substrate",
    "MU": "mucin, as a substrate",
    "PR": "protein, as a substrate",
    **{code: f"{name}, as a guild" for code, name in GUILD_NAMES.items()},
}
_OF_REPORTS = {
    "CONSORT": "a guideline for reports of trials",
    "SPIRIT": "a guideline for protocols of trials",
    "STORMS": "a guideline for reports of microbiome studies",
    "PRIM": "a consensus on reports of microbiome therapies",
    "ICH": "International Council for Harmonisation",
    "CMSC": "Consortium of Multiple Sclerosis Centers",
    "JRSS": "Journal of the Royal Statistical Society",
    "DOI": "digital object identifier",
    "PMID": "number of a paper in PubMed",
    "SmPC": "summary of product characteristics",
    "EUR": "euro",
}
ABBREVIATIONS = {**_OF_PEOPLE, **_OF_STATISTICS, **_OF_BIOLOGY, **_OF_REPORTS}
_UNSEEN = re.compile(r"<(script|style|pre|code)\b.*?</\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_PLAIN = re.compile(r"[A-Z][A-Za-z0-9]*\+?")
_ODD = {
    short: re.compile(rf"(?<![\w/.-]){re.escape(short)}(?![\w-])")
    for short in ABBREVIATIONS
    if not _PLAIN.fullmatch(short)
}


def used(page: str) -> list[tuple[str, str]]:
    """Return the abbreviations that the visible text of a page uses, in the order of the alphabet.

    >>> used("<p>points of the MFIS</p><script>EDSS</script>")
    [('MFIS', 'Modified Fatigue Impact Scale, 0 to 84 points, more is worse')]
    """
    text = _TAG.sub(" ", _UNSEEN.sub(" ", page))
    words = set(re.findall(rf"(?<![\w/.-]){_PLAIN.pattern}", text))
    words |= {short for short, pattern in _ODD.items() if pattern.search(text)}
    return [(short, ABBREVIATIONS[short]) for short in sorted(words & set(ABBREVIATIONS), key=str.lower)]


def spelled_out(page: str) -> str:
    """Return a page with its abbreviations spelled out where their place is marked; else as it is."""
    if PLACE not in page:
        return page
    rows = "".join(f"<dt>{escape(short)}</dt><dd>{escape(words)}</dd>" for short, words in used(page))
    made = f'<section id="abbreviations"><h2>Abbreviations</h2><dl class="facts short">{rows}</dl></section>'
    return page.replace(PLACE, made if rows else "", 1)
