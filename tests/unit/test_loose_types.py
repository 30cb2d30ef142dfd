"""The count of loose annotations follows its stated rule, and does not grow again."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_610D205 = 503  # validation/count_loose_types.py on a checkout of that commit
MOST = AT_610D205 // 4


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("loose", ROOT / "validation" / "count_loose_types.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["loose"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["loose"]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("x: Any = 1", 1),
        ("import typing\nx: typing.Any = 1", 1),
        ("x: 'dict[str, Any]' = {}", 1),
        ("x: dict[str, object] = {}", 1),
        ("x: Mapping[str, list[dict[str, object]]] = {}", 1),
        ("x: dict = {}", 1),
        ("def f(x: dict[str, Any], *a: Any, **k: Any) -> tuple[Any, Any]: ...", 5),
        ("async def f(*, x: Callable[[dict], Any]) -> None: ...", 2),
        ("class A:\n    x: Mapping[str, object]\n    y: Any", 2),
        ("y = cast('Any', x)", 1),
        ("Record = dict[str, Any]\ndef f(x: Record) -> list[Record]: ...", 3),
        ("x: dict[str, float] = {}", 0),
        ("def f(x: object) -> object: ...", 0),
        ("x: Literal['Any', 'dict'] = 'Any'", 0),
        ("x: frozenset[object] = 1", 0),
        ("Any = 3\nprint(Any, dict)", 0),
        ("# Any\n'''dict[str, Any]'''", 0),
    ],
)
def test_the_rule(script, tmp_path, source, count):
    (tmp_path / "one.py").write_text(source)
    assert script.count_tree(tmp_path).total() == count


def test_an_alias_is_counted_where_it_is_imported(script, tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "a.py").write_text("Record = dict[str, Any]\nTight = dict[str, int]\n")
    (tmp_path / "pack" / "b.py").write_text(
        "from pack.a import Record as R, Tight\ndef f(x: R) -> Tight: ...\n"
    )
    assert script.count_tree(tmp_path) == {"pack/a.py": 1, "pack/b.py": 1}


def test_loose_types_do_not_grow(script):
    assert script.count_tree(ROOT / "src").total() <= MOST <= AT_610D205
