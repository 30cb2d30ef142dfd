"""Structured control flow over an LLVM builder: functions, loops and variables that read like a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.ir import Block, Module, Type, Value

DOUBLE = ir.DoubleType()
INT = ir.IntType(64)
POINTER = DOUBLE.as_pointer()
INT_POINTER = INT.as_pointer()
VOID = ir.VoidType()


class Code:
    """One function under construction; ``arguments`` holds its named arguments."""

    def __init__(
        self, module: Module, name: str, arguments: Sequence[tuple[str, Type]], *, public: bool = False
    ):
        self.function = ir.Function(module, ir.FunctionType(VOID, [t for _, t in arguments]), name=name)
        if not public:
            self.function.linkage = "internal"
        self.arguments = {n: argument for (n, _), argument in zip(arguments, self.function.args, strict=True)}
        self.entry = self.function.append_basic_block("entry")
        self.b = ir.IRBuilder(self.entry)
        self._once: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        return self.arguments[name]

    def once(self, key: str, make: Callable[[], Value]) -> Value:
        """Return what ``make`` emits from the arguments alone, made once at the function's entry."""
        if key not in self._once:
            with self.b.at_entry():
                self._once[key] = make()
        return self._once[key]

    def variable(self, kind: Type, value: Value | None = None) -> Value:
        """Return the address of a variable, set to ``value`` here and now."""
        address = self.b.alloca(kind)
        if value is not None:
            self.b.store(value, address)
        return address

    @contextmanager
    def loop(self, count: Value | int, *, start: int = 0) -> Iterator[Value]:
        """Repeat the body with an index from ``start`` to ``count`` - 1."""
        b = self.b
        before = b.block
        if isinstance(count, int) and count <= start:  # no code for what never runs
            made = len(self.function.blocks)
            b.position_at_end(Block(self.function, "never"))
            yield INT(start)
            del self.function.blocks[made:]
            b.position_at_end(before)
            return
        body, after = (self.function.append_basic_block(n) for n in ("loop", "after"))
        if isinstance(count, int):
            count = INT(count)
            b.branch(body)
        else:
            b.cbranch(b.icmp_signed("<", INT(start), count), body, after)
        b.position_at_end(body)
        index = b.phi(INT)
        index.add_incoming(INT(start), before)
        yield index
        following = b.add(index, INT(1))
        index.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, count), body, after)
        b.position_at_end(after)

    @contextmanager
    def repeat(self) -> Iterator[Block]:
        """Repeat the body until it branches to the yielded block."""
        b = self.b
        body, after = (self.function.append_basic_block(n) for n in ("repeat", "done"))
        b.branch(body)
        b.position_at_end(body)
        yield after
        if not b.block.is_terminated:
            b.branch(body)
        b.position_at_end(after)

    def leave_if(self, condition: Value, target: Block) -> None:
        """Branch to ``target`` if the condition holds, else go on."""
        going = self.function.append_basic_block("on")
        self.b.cbranch(condition, target, going)
        self.b.position_at_end(going)

    def call(self, function: Value, *arguments: Value) -> Value:
        """Call another function of the module."""
        return self.b.call(function, arguments)

    def at(self, base: Value, offset: Value | int) -> Value:
        """Return the address ``offset`` elements after ``base``."""
        return self.b.gep(base, [INT(offset) if isinstance(offset, int) else offset])

    def get(self, base: Value, offset: Value | int = 0) -> Value:
        """Load the element at an offset."""
        return self.b.load(self.at(base, offset))

    def put(self, value: Value, base: Value, offset: Value | int = 0) -> None:
        """Store an element at an offset."""
        self.b.store(value, self.at(base, offset))

    def finish(self) -> Value:
        """Close the function and return it."""
        self.b.ret_void()
        return self.function
