"""The modules of the engine import one another in one direction only, for types too."""

import graphlib

import grimp


def test_no_module_imports_itself_back():
    graph = grimp.build_graph("eubiosis", cache_dir=None)
    engine = graph.find_descendants("eubiosis.engine")
    needs = {module: graph.find_modules_directly_imported_by(module) & engine for module in engine}
    assert len(needs) > 30
    assert "eubiosis.engine.library" in needs["eubiosis.engine.batch"]
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError with the circle
