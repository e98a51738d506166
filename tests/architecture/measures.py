"""Measures of a checkout's source, for the rules of the house and for bench/house.py: nothing here passes judgement.

The source is read and never imported, so that any commit can be measured. Tests, examples and documents are left out.
"""

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grimp

APP = ("activities", "orchestrators", "shared", "triggers")
PRODUCT = (*APP, "signalbox")
WORST_NAMES = frozenset({"found", "said", "made", "told", "given", "there", "asked", "each"})
_IRREGULAR_PARTICIPLES = """
said made told given known seen taken left kept held shown sent gone begun written bound built brought chosen drawn
forgotten found got heard hidden laid led lent lost meant met paid spent split stood thrown torn understood won
"""
_PRONOUNS = """
it they them this that these those who whom whose what which each other others another one both some any none all here
there where when how rest more much
"""
_NOUNS_IN_ED = """
bed exceed feed need proceed red seed shed speed succeed embed
"""
_BANNED, _NOUNS = frozenset((_IRREGULAR_PARTICIPLES + _PRONOUNS).split()) | WORST_NAMES, frozenset(_NOUNS_IN_ED.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    place: str  # The file and the function's name.
    lines: int


class Source:
    """Modules, as text and parsed."""

    def __init__(self, texts: Mapping[str, str], trees: Mapping[str, ast.Module]) -> None:
        self.texts, self.trees = texts, trees

    @classmethod
    def of(cls, root: Path) -> "Source":
        """The modules of the product in the checkout at *root*."""
        paths = [path for folder in PRODUCT for path in sorted((root / folder).rglob("*.py"))]
        texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
        return cls(texts, {path: ast.parse(text) for path, text in texts.items()})

    def within(self, *folders: str) -> "Source":
        """Only the modules below *folders* of the top level."""
        inside = [path for path in self.texts if path.partition("/")[0] in folders]
        return Source({path: self.texts[path] for path in inside}, {path: self.trees[path] for path in inside})

    def lines(self) -> dict[str, int]:
        """The number of lines of each file."""
        return {path: text.count("\n") for path, text in self.texts.items()}

    def modules_by_folder(self) -> Counter[str]:
        """How many modules lie directly in each folder, its `__init__` among them: it is read as well."""
        return Counter(str(Path(path).parent) for path in self.texts)

    def functions(self) -> list[Function]:
        """All functions and methods, shortest first."""
        functions = [
            Function(place=f"{path}:{node.name}", lines=(node.end_lineno or node.lineno) - node.lineno + 1)
            for path, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        return sorted(functions, key=lambda function: function.lines)

    def class_names(self) -> dict[str, list[str]]:
        """The modules that define a public class of each name, at their top level."""
        modules = defaultdict[str, list[str]](list)
        for path, tree in self.trees.items():
            for node in tree.body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    modules[node.name].append(path)
        return dict(modules)

    def ambiguous_classes(self) -> dict[str, list[str]]:
        """Public class names with more than one meaning."""
        return {name: modules for name, modules in self.class_names().items() if len(modules) > 1}

    def comments(self) -> int:
        """Lines that are a comment, or end with one; instructions to tools are none."""
        pattern = re.compile(r"(^|\s)# (?!type:|noqa|pragma)")
        return sum(bool(pattern.search(line)) for text in self.texts.values() for line in text.splitlines())

    def json_loads(self, outside: tuple[str, ...]) -> Counter[str]:
        """How often each file calls `json.loads`, but for those whose path has a part named in *outside*."""
        return Counter(
            path
            for path, tree in self.trees.items()
            if not set(outside) & set(Path(path).with_suffix("").parts)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.loads"
        )

    def names(self) -> Counter[str]:
        """How often each name is bound to a value: a variable, parameter or field, unless it is annotated `bool`."""
        names = Counter(name for tree in self.trees.values() for name in _bound(tree))
        return Counter({name: count for name, count in names.items() if name not in ("self", "cls", "_")})

    def small_files(self, limit: int) -> list[str]:
        """Modules under *limit* lines whose docstring does not say why they stand alone."""
        return [
            path
            for path, lines in self.lines().items()
            if lines < limit and not path.endswith("__init__.py")
            if not re.search(r"\balone\b", ast.get_docstring(self.trees[path]) or "")
        ]


def modules_in_cycles(root: Path) -> list[str]:
    """Modules that import themselves through others; imports inside functions count, those for types alone do not.

    The one measure that is not of `Source`: grimp, which import-linter brings, knows how Python finds a module.
    """
    before, sys.path[:] = sys.path[:], [str(root), *sys.path]
    try:
        graph = grimp.build_graph(*PRODUCT, cache_dir=None, exclude_type_checking_imports=True)
    finally:
        sys.path[:] = before
    return sorted(
        importer
        for importer in graph.modules
        if any(
            graph.chain_exists(importer=imported, imported=importer)
            for imported in graph.find_modules_directly_imported_by(importer)
        )
    )


def is_banned(name: str) -> bool:
    """Whether *name* is a bare participle or pronoun, which says nothing about what it holds."""
    word = name.strip("_")
    return word in _BANNED or (word.endswith("ed") and "_" not in word and word not in _NOUNS)


def _bound(tree: ast.Module) -> Iterator[str]:
    truths = {
        id(node.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "bool"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store) and id(node) not in truths:
            yield node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg) and not (node.annotation and ast.unparse(node.annotation) == "bool"):
            yield node.arg
