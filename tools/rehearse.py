"""A lesson with its solutions in place, cut down to what they can depend on: tests need not run it all."""

from __future__ import annotations

import symtable

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from tools import lesson
from tools.lesson import tags


def rehearsal(nb: NotebookNode) -> NotebookNode:
    """A copy with each stub replaced by its solution; without the lesson's other cells, where none matters.

    They matter as soon as one gives a value to a name that the exercises read: then all are kept.
    """
    nb = lesson.solved(nb)
    part = lesson.section(nb, "Exercises")
    own = set(part.cells if part else [])
    code = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and "setup" not in tags(cell)]
    read: set[str] = set()
    theirs: set[str] = set()  # what the exercises themselves have given a value to so far
    for i in code:
        if i in own:
            read |= _read(_scope(nb.cells[i])) - theirs
            theirs |= _given(_scope(nb.cells[i]))
    given = set().union(*(_given(_scope(nb.cells[i])) for i in code if i not in own))
    if not read & given:
        nb.cells = [cell for i, cell in enumerate(nb.cells) if i in own or "setup" in tags(cell)]
    copy: NotebookNode = nbformat.from_dict(nb)
    return copy


def _scope(cell: NotebookNode) -> symtable.SymbolTable:
    manager = TransformerManager()  # type: ignore[no-untyped-call]
    return symtable.symtable(manager.transform_cell(cell.source), "cell", "exec")


def _read(scope: symtable.SymbolTable) -> set[str]:
    """The notebook's names that a cell reads, those in its functions' bodies included."""
    top = scope.get_type() == "module"
    own = {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return own.union(*map(_read, scope.get_children()))


def _given(scope: symtable.SymbolTable) -> set[str]:
    """The names that a cell gives a value to, imports and definitions included."""
    return {s.get_name() for s in scope.get_symbols() if s.is_assigned() or s.is_imported()}
