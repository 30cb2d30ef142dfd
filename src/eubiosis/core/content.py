"""Where the packaged content lies: models, parameters, evidence, therapies, trials, taxa."""

from __future__ import annotations

from pathlib import Path

PACKAGED_CONTENT = Path(__file__).resolve().parents[1] / "content"
