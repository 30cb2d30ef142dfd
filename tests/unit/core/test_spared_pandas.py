"""Processes that hand out no data frame load no pandas; where one is asked for, it comes all the same."""

import subprocess
import sys

SPARED = """\
import sys
import numpy as np
from eubiosis.core.frame import Table, spare_pandas
spare_pandas()
table = Table({"x": np.array([1.0, np.nan]), "word": np.array(["a", "b"])})
again = Table.from_parquet(table.to_parquet())
assert again["word"].tolist() == ["a", "b"] and np.isnan(again["x"][1])
print("pandas" in sys.modules)
print(again.to_pandas()["word"].tolist())
print("pandas" in sys.modules)
"""


def test_parquet_is_written_and_read_without_pandas_and_a_frame_is_still_to_be_had():
    done = subprocess.run([sys.executable, "-c", SPARED], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["False", "['a', 'b']", "True"]
