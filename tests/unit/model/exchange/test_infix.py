"""Expression trees written as Antimony come back from Antimony as the same trees."""

from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.engine import read_sbml
from eubiosis.engine.expressions import Call, Number, Symbol
from eubiosis.model.exchange.infix import antimony_text

LEAVES = st.one_of(
    st.sampled_from("abc").map(Symbol),
    st.integers(0, 9).map(lambda n: Number(float(n))),
    st.sampled_from([0.5, 2.25, 1e-3]).map(Number),
)


def folded(call):
    """Antimony itself writes -2 as a number and --a as a."""
    inner = call.arguments[0]
    return call.op == "neg" and (isinstance(inner, Number) or (isinstance(inner, Call) and inner.op == "neg"))


def rational(call):
    """Antimony reads (2 / 3) as one number."""
    return call.op == "/" and all(isinstance(a, Number) for a in call.arguments)


def flat(tree):
    """Sums and products without their grouping, which Antimony does not keep when it is to the right."""
    if not isinstance(tree, Call):
        return tree
    arguments = [flat(a) for a in tree.arguments]
    if tree.op in ("+", "*"):
        arguments = [b for a in arguments for b in (a.arguments if getattr(a, "op", "") == tree.op else [a])]
    return Call(tree.op, tuple(arguments))


def grown(inner):
    """Trees of the operators that the model is written in, as the reader makes them: two arguments each."""
    binary = st.tuples(st.sampled_from(["+", "-", "*", "/", "^"]), inner, inner)
    unary = st.tuples(st.sampled_from(["neg", "exp", "sqrt", "abs"]), inner)
    return st.one_of(
        binary.map(lambda t: Call(t[0], t[1:])).filter(lambda c: not rational(c)),
        unary.map(lambda t: Call(t[0], t[1:])).filter(lambda c: not folded(c)),
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(st.recursive(LEAVES, grown, max_leaves=8), min_size=1, max_size=5))
def test_antimony_reads_the_same_tree(trees):
    rules = "".join(f"  x{i} := {antimony_text(tree)}\n" for i, tree in enumerate(trees))
    text = f"model m()\n  a = 1; b = 2; c = 3\n{rules}end\n"
    read = read_sbml(_plain_sbml(text)).rules
    assert [flat(read[f"x{i}"]) for i in range(len(trees))] == [flat(tree) for tree in trees]


def _plain_sbml(text):
    import antimony

    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
    return antimony.getSBMLString("m")


def test_every_equation_of_the_model_comes_back(model):
    """Reading what is written from the whole model gives the model's own trees, bit for bit."""
    from eubiosis.model.exchange.read_module import written_module

    system = model.system
    declared = "".join(
        f"  {name} = {value!r}\n" for name, value in {**system.constants, **system.initial}.items()
    )
    body = written_module("eubiosis", system).removesuffix("end\n")
    again = read_sbml(_plain_named(body + declared + "end\n"))
    assert again.rules == system.rules
    assert again.rates == system.rates


def _plain_named(text):
    import antimony

    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
    return antimony.getSBMLString("eubiosis")


def test_conditions_and_logic_are_written_with_brackets():
    rule = Call("<", (Symbol("a"), Number(1.0)))
    both = Call("and", (rule, Call(">=", (Symbol("b"), Call("neg", (Symbol("c"),))))))
    assert antimony_text(both) == "a < 1 && b >= -c"
    assert antimony_text(Call("or", (both, rule))) == "a < 1 && b >= -c || a < 1"
    assert antimony_text(Call("and", (Call("or", (rule, rule)), rule))) == "(a < 1 || a < 1) && a < 1"
