"""Write LLVM assembly: types, values, blocks and a builder of instructions.

It offers the part of ``llvmlite.ir`` that the generator needs, under the same names, and writes each
instruction as text at once: a model of a hundred states has tens of thousands of them. Pointers know what
they point at, which the text does not say.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class Type:
    """A type; calling it makes a constant of it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, value: float) -> Value:
        """Return a constant of this type."""
        return Constant(self, value)

    def as_pointer(self) -> PointerType:
        """Return the type of pointers to this type."""
        return PointerType(self)

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class DoubleType(Type):
    """Doubles."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("double")


class IntType(Type):
    """Whole numbers of some bits."""

    __slots__ = ("known",)

    def __init__(self, bits: int) -> None:
        super().__init__(f"i{bits}")
        self.known: dict[float, Value] = {}

    def __call__(self, value: float) -> Value:
        """Return a constant of this type, made once."""
        found = self.known.get(value)
        if found is None:
            found = self.known[value] = Constant(self, value)
        return found


class VoidType(Type):
    """Nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("void")


class VectorType(Type):
    """``count`` elements side by side."""

    __slots__ = ("count", "element")

    def __init__(self, element: Type, count: int) -> None:
        super().__init__(f"<{count} x {element.text}>")
        self.element, self.count = element, count


class PointerType(Type):
    """Addresses of ``pointee``."""

    __slots__ = ("pointee",)

    def __init__(self, pointee: Type) -> None:
        super().__init__("ptr")
        self.pointee = pointee


class FunctionType:
    """What a function takes and returns."""

    __slots__ = ("arguments", "result")

    def __init__(self, result: Type, arguments: Sequence[Type]) -> None:
        self.result, self.arguments = result, tuple(arguments)


class Value:
    """Anything that an instruction can take: its type, and its name in the text."""

    __slots__ = ("text", "type")

    def __init__(self, kind: Type, text: str) -> None:
        self.type, self.text = kind, text


Undefined = "undef"


def Constant(kind: Type, value: float | str | Sequence[float]) -> Value:
    """Return a constant; of a vector from a number for all, or one for each element."""
    if isinstance(value, str):
        return Value(kind, value)
    if not isinstance(kind, VectorType):
        assert isinstance(value, int | float)
        return Value(kind, _literal(kind, value))
    element = kind.element
    if isinstance(value, int | float) or all(v is value[0] for v in value):
        one = value if isinstance(value, int | float) else value[0]
        return Value(kind, f"splat ({element.text} {_literal(element, one)})")
    return Value(kind, "<" + ", ".join(f"{element.text} {_literal(element, v)}" for v in value) + ">")


def _literal(kind: Type, value: float) -> str:
    if kind.text == "double":
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    if kind.text == "i1":
        return "true" if value else "false"
    return str(int(value))


class Phi(Value):
    """A value that depends on the block one comes from."""

    __slots__ = ("incoming",)

    def __init__(self, kind: Type, text: str) -> None:
        super().__init__(kind, text)
        self.incoming: list[tuple[Value, Block]] = []

    def add_incoming(self, value: Value, block: Block) -> None:
        """Say which value it has when coming from a block."""
        self.incoming.append((value, block))

    def __str__(self) -> str:
        pairs = ", ".join(f"[ {value.text}, %{block.name} ]" for value, block in self.incoming)
        return f"{self.text} = phi {self.type.text} {pairs}"


class Block:
    """A run of instructions; only the last one jumps."""

    __slots__ = ("addresses", "function", "is_terminated", "lines", "name")

    def __init__(self, function: Function, name: str) -> None:
        self.function, self.name = function, name
        self.lines: list[str | Phi] = []
        self.addresses: dict[str, Value] = {}  # made in this block, by what they are
        self.is_terminated = False


class Module:
    """Functions that know one another by name."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.globals: dict[str, Function] = {}
        self.tables: list[str] = []

    def table(self, name: str, kind: Type, values: Sequence[float]) -> Value:
        """Define a constant table and return the pointer to its first entry."""
        entries = ", ".join([f"{kind.text} {_literal(kind, v)}" for v in values])
        self.tables.append(f"@{name} = internal constant [{len(values)} x {kind.text}] [{entries}], align 64")
        return Value(kind.as_pointer(), f"@{name}")

    def __str__(self) -> str:
        return "\n".join([*self.tables, *map(str, self.globals.values()), ""])

    def texts(self) -> tuple[str, ...]:
        """Return the module, or where some functions are to be optimised in any case, two modules.

        The second has those functions; both have the tables.
        """
        functions = self.globals.values()
        if not any(function.optimized for function in functions):
            return (str(self),)
        parts: list[list[str]] = [[*self.tables], [*self.tables]]
        for function in functions:
            if function.blocks:
                function.linkage = ""
                parts[function.optimized].append(str(function))
                parts[not function.optimized].append(function.declaration())
            else:
                for part in parts:
                    part.append(function.declaration())
        return tuple("\n".join([*part, ""]) for part in parts)


class Function(Value):
    """A function; without blocks it is declared only. ``args`` are its arguments.

    An ``optimized`` one is optimised even where the rest is compiled quickly.
    """

    __slots__ = (
        *("args", "blocks", "count", "linkage", "module", "name", "optimized", "prologue"),
        "signature",
    )

    def __init__(self, module: Module, signature: FunctionType, name: str) -> None:
        super().__init__(PointerType(VoidType()), f"@{name}")
        self.module, self.signature, self.name = module, signature, name
        self.linkage = ""
        self.optimized = False
        self.prologue: list[str | Phi] = []  # what only the arguments decide, before everything else
        self.args = tuple(Value(kind, f"%a{i}") for i, kind in enumerate(signature.arguments))
        self.blocks: list[Block] = []
        self.count = 0
        module.globals[name] = self

    def append_basic_block(self, name: str = "block") -> Block:
        """Add an empty block."""
        self.blocks.append(Block(self, f"{name}.{len(self.blocks)}"))
        return self.blocks[-1]

    def declaration(self) -> str:
        """Return what another module needs to know."""
        kinds = ", ".join(kind.text for kind in self.signature.arguments)
        return f"declare {self.signature.result.text} @{self.name}({kinds})"

    def __str__(self) -> str:
        if not self.blocks:
            return self.declaration()
        arguments = ", ".join(f"{a.type.text} {a.text}" for a in self.args)
        head = f"define {self.linkage} {self.signature.result.text} @{self.name}({arguments}) #0 {{"
        lines = [head]
        for block in self.blocks:
            lines.append(f"{block.name}:")
            if block is self.blocks[0]:
                lines.extend(map(str, self.prologue))
            lines.extend(map(str, block.lines))
        lines.append("}")
        return "\n".join(lines)


class IRBuilder:
    """Append instructions to a block."""

    __slots__ = ("block", "function", "lines")

    def __init__(self, block: Block) -> None:
        self.function = block.function
        self.position_at_end(block)

    def position_at_end(self, block: Block) -> None:
        """Go on at the end of a block."""
        self.block, self.lines = block, block.lines

    @property
    def module(self) -> Module:
        """The module of the function."""
        return self.function.module

    def append_basic_block(self, name: str = "block") -> Block:
        """Add an empty block to the function."""
        return self.function.append_basic_block(name)

    def _value(self, kind: Type, text: str) -> Value:
        function = self.function
        function.count += 1
        name = f"%v{function.count}"
        self.lines.append(f"{name} = {text}")
        return Value(kind, name)

    # --- arithmetic -----------------------------------------------------------------------------------

    def _two(self, op: str, a: Value, b: Value) -> Value:
        function = self.function
        function.count += 1
        name = f"%v{function.count}"
        self.lines.append(f"{name} = {op} {a.type.text} {a.text}, {b.text}")
        return Value(a.type, name)

    def fadd(self, a: Value, b: Value) -> Value:
        """Return a + b."""
        return self._two("fadd", a, b)

    def fsub(self, a: Value, b: Value) -> Value:
        """Return a - b."""
        return self._two("fsub", a, b)

    def fmul(self, a: Value, b: Value) -> Value:
        """Return a b."""
        return self._two("fmul", a, b)

    def fdiv(self, a: Value, b: Value) -> Value:
        """Return a / b."""
        return self._two("fdiv", a, b)

    def frem(self, a: Value, b: Value) -> Value:
        """Return the remainder of a / b."""
        return self._two("frem", a, b)

    def fneg(self, a: Value) -> Value:
        """Return -a."""
        return self._value(a.type, f"fneg {a.type.text} {a.text}")

    def add(self, a: Value, b: Value) -> Value:
        """Return a + b, whole numbers."""
        return a if b.text == "0" else b if a.text == "0" else self._two("add", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        """Return a - b, whole numbers."""
        return self._two("sub", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        """Return a b, whole numbers."""
        return a if b.text == "1" else b if a.text == "1" else self._two("mul", a, b)

    def udiv(self, a: Value, b: Value) -> Value:
        """Return a / b, whole numbers without sign."""
        return self._two("udiv", a, b)

    def sdiv(self, a: Value, b: Value) -> Value:
        """Return a / b, whole numbers."""
        return self._two("sdiv", a, b)

    def urem(self, a: Value, b: Value) -> Value:
        """Return the remainder of whole numbers without sign."""
        return self._two("urem", a, b)

    def srem(self, a: Value, b: Value) -> Value:
        """Return the remainder of whole numbers."""
        return self._two("srem", a, b)

    def shl(self, a: Value, b: Value) -> Value:
        """Return a shifted left."""
        return self._two("shl", a, b)

    def ashr(self, a: Value, b: Value) -> Value:
        """Return a shifted right, keeping its sign."""
        return self._two("ashr", a, b)

    def lshr(self, a: Value, b: Value) -> Value:
        """Return a shifted right, filled with zeros."""
        return self._two("lshr", a, b)

    def and_(self, a: Value, b: Value) -> Value:
        """Return a and b, bit by bit."""
        return self._two("and", a, b)

    def or_(self, a: Value, b: Value) -> Value:
        """Return a or b, bit by bit."""
        return self._two("or", a, b)

    def xor(self, a: Value, b: Value) -> Value:
        """Return the bits in which a and b differ."""
        return self._two("xor", a, b)

    def not_(self, a: Value) -> Value:
        """Return a with every bit turned."""
        ones = "true" if a.type.text == "i1" else "-1"
        if isinstance(a.type, VectorType):
            ones = f"splat ({a.type.element.text} {'true' if a.type.element.text == 'i1' else '-1'})"
        return self._value(a.type, f"xor {a.type.text} {a.text}, {ones}")

    # --- comparisons and choices ----------------------------------------------------------------------

    def _compare(self, op: str, word: str, a: Value, b: Value) -> Value:
        kind: Type = _BIT
        if isinstance(a.type, VectorType):
            kind = VectorType(_BIT, a.type.count)
        return self._value(kind, f"{op} {word} {a.type.text} {a.text}, {b.text}")

    def fcmp_ordered(self, relation: str, a: Value, b: Value) -> Value:
        """Compare doubles; false where one is no number."""
        return self._compare("fcmp", _ORDERED[relation], a, b)

    def fcmp_unordered(self, relation: str, a: Value, b: Value) -> Value:
        """Compare doubles; true where one is no number."""
        return self._compare("fcmp", _UNORDERED[relation], a, b)

    def icmp_signed(self, relation: str, a: Value, b: Value) -> Value:
        """Compare whole numbers."""
        return self._compare("icmp", _SIGNED[relation], a, b)

    def icmp_unsigned(self, relation: str, a: Value, b: Value) -> Value:
        """Compare whole numbers without sign."""
        return self._compare("icmp", _UNSIGNED[relation], a, b)

    def select(self, condition: Value, yes: Value, no: Value) -> Value:
        """Return ``yes`` where the condition holds, else ``no``."""
        text = f"select {condition.type.text} {condition.text}, {yes.type.text} {yes.text}, "
        return self._value(yes.type, text + f"{no.type.text} {no.text}")

    # --- conversions ----------------------------------------------------------------------------------

    def _convert(self, op: str, value: Value, kind: Type) -> Value:
        return self._value(kind, f"{op} {value.type.text} {value.text} to {kind.text}")

    def bitcast(self, value: Value, kind: Type) -> Value:
        """Return the same bits as another type."""
        if isinstance(kind, PointerType):
            return Value(kind, value.text)
        return self._convert("bitcast", value, kind)

    def zext(self, value: Value, kind: Type) -> Value:
        """Widen a whole number with zeros."""
        return self._convert("zext", value, kind)

    def sext(self, value: Value, kind: Type) -> Value:
        """Widen a whole number, keeping its sign."""
        return self._convert("sext", value, kind)

    def trunc(self, value: Value, kind: Type) -> Value:
        """Narrow a whole number."""
        return self._convert("trunc", value, kind)

    def sitofp(self, value: Value, kind: Type) -> Value:
        """Return a whole number as a double."""
        return self._convert("sitofp", value, kind)

    def uitofp(self, value: Value, kind: Type) -> Value:
        """Return a whole number without sign as a double."""
        return self._convert("uitofp", value, kind)

    def fptosi(self, value: Value, kind: Type) -> Value:
        """Return a double as a whole number, truncated."""
        return self._convert("fptosi", value, kind)

    def inttoptr(self, value: Value, kind: Type) -> Value:
        """Return a whole number as an address."""
        return self._convert("inttoptr", value, kind)

    def ptrtoint(self, value: Value, kind: Type) -> Value:
        """Return an address as a whole number."""
        return self._convert("ptrtoint", value, kind)

    # --- vectors --------------------------------------------------------------------------------------

    def extract_element(self, vector: Value, index: Value) -> Value:
        """Return one element of a vector."""
        assert isinstance(vector.type, VectorType)
        text = f"extractelement {vector.type.text} {vector.text}, {index.type.text} {index.text}"
        return self._value(vector.type.element, text)

    def insert_element(self, vector: Value, value: Value, index: Value) -> Value:
        """Return a vector with one element replaced."""
        text = f"insertelement {vector.type.text} {vector.text}, {value.type.text} {value.text}, "
        return self._value(vector.type, text + f"{index.type.text} {index.text}")

    def shuffle_vector(self, a: Value, b: Value, mask: Value) -> Value:
        """Return the elements of two vectors that the mask names."""
        assert isinstance(a.type, VectorType)
        assert isinstance(mask.type, VectorType)
        text = f"shufflevector {a.type.text} {a.text}, {b.type.text} {b.text}, "
        return self._value(
            VectorType(a.type.element, mask.type.count), text + f"{mask.type.text} {mask.text}"
        )

    # --- memory ---------------------------------------------------------------------------------------

    def gep(self, pointer: Value, indices: Sequence[Value]) -> Value:
        """Return the address so many elements further; one that this block has already is not made again."""
        assert isinstance(pointer.type, PointerType)
        (index,) = indices
        if index.text == "0":
            return pointer
        text = (
            f"getelementptr {pointer.type.pointee.text}, ptr {pointer.text}, {index.type.text} {index.text}"
        )
        if self.lines is not self.block.lines:
            return self._value(pointer.type, text)
        found = self.block.addresses.get(text)
        if found is None:
            found = self.block.addresses[text] = self._value(pointer.type, text)
        return found

    def load(self, pointer: Value, align: int = 8) -> Value:
        """Load what a pointer points at."""
        assert isinstance(pointer.type, PointerType)
        kind = pointer.type.pointee
        function = self.function
        function.count += 1
        name = f"%v{function.count}"
        self.lines.append(f"{name} = load {kind.text}, ptr {pointer.text}, align {align}")
        return Value(kind, name)

    def store(self, value: Value, pointer: Value, align: int = 8) -> None:
        """Store a value where a pointer points."""
        self.lines.append(f"store {value.type.text} {value.text}, ptr {pointer.text}, align {align}")

    def alloca(self, kind: Type) -> Value:
        """Return the address of room for one value, made at the function's entry."""
        function = self.function
        function.count += 1
        name = f"%v{function.count}"
        function.blocks[0].lines.insert(0, f"{name} = alloca {kind.text}")
        return Value(kind.as_pointer(), name)

    def atomic_rmw(self, op: str, pointer: Value, value: Value, ordering: str) -> Value:
        """Change a number in memory at once and return what it was."""
        text = f"atomicrmw {op} ptr {pointer.text}, {value.type.text} {value.text} {ordering}"
        return self._value(value.type, text)

    # --- control --------------------------------------------------------------------------------------

    def call(self, function: Value, arguments: Sequence[Value]) -> Value:
        """Call a function."""
        assert isinstance(function, Function)
        given = ", ".join([f"{a.type.text} {a.text}" for a in arguments])
        result = function.signature.result
        text = f"call {result.text} @{function.name}({given})"
        if result.text == "void":
            self.lines.append(text)
            return Value(result, "")
        return self._value(result, text)

    def branch(self, target: Block) -> None:
        """Go to a block."""
        self._end(f"br label %{target.name}")

    def cbranch(self, condition: Value, yes: Block, no: Block) -> None:
        """Go to one of two blocks."""
        self._end(f"br i1 {condition.text}, label %{yes.name}, label %{no.name}")

    def ret_void(self) -> None:
        """Return."""
        self._end("ret void")

    def _end(self, text: str) -> None:
        assert not self.block.is_terminated
        self.lines.append(text)
        self.block.is_terminated = True

    def phi(self, kind: Type) -> Phi:
        """Return a value that depends on the block one comes from."""
        function = self.function
        function.count += 1
        phi = Phi(kind, f"%v{function.count}")
        self.lines.append(phi)
        return phi

    @contextmanager
    def at_entry(self) -> Iterator[None]:
        """Write into the function's prologue for a while, where only its arguments are known."""
        before = self.lines
        self.lines = self.function.prologue
        yield
        self.lines = before

    @contextmanager
    def goto_block(self, block: Block) -> Iterator[None]:
        """Write into another block for a while."""
        before = self.block
        self.position_at_end(block)
        yield
        self.position_at_end(before)

    @contextmanager
    def if_then(self, condition: Value) -> Iterator[Block]:
        """Do what follows only if the condition holds; yields the block after it."""
        yes, after = self.append_basic_block("then"), self.append_basic_block("after")
        self.cbranch(condition, yes, after)
        self.position_at_end(yes)
        yield after
        if not self.block.is_terminated:
            self.branch(after)
        self.position_at_end(after)

    @contextmanager
    def if_else(self, condition: Value) -> Iterator[tuple[_Branch, _Branch]]:
        """Do one of two things; yields a context for each."""
        blocks = [self.append_basic_block(name) for name in ("then", "else", "after")]
        self.cbranch(condition, blocks[0], blocks[1])
        yield _Branch(self, blocks[0], blocks[2]), _Branch(self, blocks[1], blocks[2])
        self.position_at_end(blocks[2])


class _Branch:
    """One side of ``if_else``."""

    def __init__(self, builder: IRBuilder, block: Block, after: Block) -> None:
        self.builder, self.block, self.after = builder, block, after

    def __enter__(self) -> Block:
        self.builder.position_at_end(self.block)
        return self.block

    def __exit__(self, *problem: object) -> None:
        if problem == (None, None, None) and not self.builder.block.is_terminated:
            self.builder.branch(self.after)


_BIT = IntType(1)
_ORDERED = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "one", "ord": "ord"}
_UNORDERED = {"<": "ult", "<=": "ule", ">": "ugt", ">=": "uge", "==": "ueq", "!=": "une", "uno": "uno"}
_SIGNED = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
_UNSIGNED = {"<": "ult", "<=": "ule", ">": "ugt", ">=": "uge", "==": "eq", "!=": "ne"}
