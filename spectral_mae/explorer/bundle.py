"""Modules of JavaScript as one script, so that a page of one file needs no module of another.

The modules of a page import from each other by name, as in ``import { a, b } from "./c.js";``, and
export declarations, as in ``export function a``. That is all this bundler reads: modules are joined
in the order in which they need each other, and words that only link modules are taken out.
Everything then shares one scope, so two modules may not declare the same name at their top level.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?=(?:const|let|class|(?:async )?function\*?) ([\w$]+))", re.MULTILINE
)
_DECLARED = re.compile(
    r"^(?:export )?(?:const|let|class|(?:async )?function\*?) ([\w$]+)", re.MULTILINE
)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(modules: Mapping[str, str], main: str) -> str:
    r"""Join modules into the text of one script.

    Parameters
    ----------
    modules : mapping of str to str
        Source of each module by its name, which is that of its file without ``.js``.
    main : str
        Name of the module that runs last and imports all others.

    Returns
    -------
    str
        The script. It has no imports and exports nothing.

    Raises
    ------
    ValueError
        If a module imports what is not there, two declare one name, imports form a cycle, or an
        import or export is written in a form that is not read.

    Examples
    --------
    >>> modules = {"one": "export const a = 1;", "main": 'import { a } from "./one.js";\nuse(a);'}
    >>> print(bundle(modules, "main"))
    // one.js
    const a = 1;
    // main.js
    use(a);
    """
    needs: dict[str, list[str]] = {}
    declared: dict[str, str] = {}
    todo = [main]
    while todo:
        name = todo.pop()
        if name in needs:
            continue
        source = modules[name]
        needs[name] = []
        for names, other in _IMPORT.findall(source):
            if other not in modules:
                raise ValueError(f"{name}.js imports {other}.js, which is not there")
            exported = set(_EXPORT.findall(modules[other]))
            missing = {one.strip() for one in names.split(",") if one.strip()} - exported
            if missing:
                raise ValueError(f"{name}.js imports {sorted(missing)}, not exported by {other}.js")
            needs[name].append(other)
        todo += needs[name]
        for one in _DECLARED.findall(source):
            if one in declared:
                raise ValueError(f"{declared[one]}.js and {name}.js both declare {one!r}")
            declared[one] = name
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise ValueError(f"modules import each other: {' '.join(error.args[1])}") from error
    return "\n".join(f"// {name}.js\n{_linked(name, modules[name])}" for name in order)


def _linked(name: str, source: str) -> str:
    text = _EXPORT.sub("", _IMPORT.sub("", source)).strip()
    if left := _LEFT.search(text):
        raise ValueError(f"{name}.js has a form that is not read: {left[0]!r}")
    return text
