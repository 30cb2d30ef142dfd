#!/usr/bin/env python3
"""Write down what the control arm of a trial will show, with a hash, before its rate is looked up.

    python validation/sealed_forecasts/seal.py            write fenhance.json
    python validation/sealed_forecasts/seal.py --check    exit 1 unless the file's hash is right

The hash is over the forecast and over the tables that it was made from, so that neither can change unseen.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

FILE = Path(__file__).with_name("fenhance.json")
# trial, registry number, randomised in all (1:1 against teriflunomide), weeks
TRIALS = (("FENhance 1", "NCT04586010", 746, 96), ("FENhance 2", "NCT04586023", 751, 96))
TABLES = ("control_arm_rates.tsv", "control_arm_assumptions.tsv")


def main(arguments: list[str]) -> int:
    """Seal the forecast, or check the seal."""
    if arguments == ["--check"]:
        held = json.loads(FILE.read_text("utf-8"))
        seal = held.pop("sha256")
        print("whole" if seal == digest(held) else "changed since it was sealed")
        return int(seal != digest(held))
    import eubiosis as eb

    folder = eb.evidence.load().folder
    record = {
        "what": "relapses a year in the teriflunomide arm, adjusted or crude; the true rate of a new arm "
        "and what so many people will show, 95 %",
        "known when sealed": "relapse rates 51 % and 59 % below teriflunomide (news); the absolute rates "
        "of the teriflunomide arms had not been read",
        "assumed": "published in 2026; half of the randomised in the teriflunomide arm; a relapse in the "
        "year before entry",
        "tables": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in TABLES},
        "forecasts": [forecast(*trial) for trial in TRIALS],
    }
    FILE.write_text(json.dumps({**record, "sha256": digest(record)}, indent=1) + "\n", encoding="utf-8")
    return 0


def forecast(name: str, registry: str, randomised: int, weeks: int) -> dict[str, str | int | float]:
    """Return the forecast of one trial's teriflunomide arm."""
    import eubiosis as eb

    asked = eb.evidence.ControlQuestion(
        year=2026, background="teriflunomide", people=randomised // 2, years=round(weeks * 7 / 365.25, 4)
    )
    decisive = eb.evidence.control_arm(asked).relapses.first_hand
    rate = decisive.forecast
    numbers = {
        "rate": rate.rate, "low": rate.low, "high": rate.high,
        "observed_low": decisive.observed_low, "observed_high": decisive.observed_high,
    }  # fmt: skip
    return {
        "trial": name, "registry": registry, "people": asked.people, "weeks": weeks,
        **{key: round(value, 4) for key, value in numbers.items()},
    }  # fmt: skip


def digest(record: object) -> str:
    """Return the hash of a record, keys in order."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode("utf-8")).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
