"""The optional parts of the installation, and the line that installs what one of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {  # the libraries that pyproject.toml names for each
        "calibration": ("emcee",),
        "dask": ("cryptography", "dask", "distributed"),
        "formats": ("anndata", "biom-format", "h5py", "openpyxl"),
    }
)


def install_line(extra: str) -> str:
    """Return the command that installs an extra's libraries, true of a checkout and of an installed wheel.

    >>> install_line("calibration")
    'python -m pip install emcee (with the Python that runs eubiosis)'
    """
    return f"python -m pip install {' '.join(EXTRAS[extra])} (with the Python that runs eubiosis)"
