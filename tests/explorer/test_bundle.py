"""Modules of JavaScript joined into one script, and what is refused."""

import pytest

from spectral_mae.explorer.bundle import bundle


def test_each_module_comes_once_and_after_those_that_it_needs():
    modules = {
        "main": 'import { b } from "./two.js";\nimport { a } from "./one.js";\nb(a);',
        "two": 'import {\n  a,\n} from "./one.js";\nexport function b(x) {\n  return x + a;\n}',
        "one": "export const a = 1;",
        "unused": "export const c = 3;",
    }
    expected = (
        "// one.js\nconst a = 1;\n// two.js\nfunction b(x) {\n  return x + a;\n}\n// main.js\nb(a);"
    )
    assert bundle(modules, "main") == expected


@pytest.mark.parametrize(
    ("one", "main", "message"),
    [
        ("", 'import { a } from "./two.js";\n', "main.js imports two.js, which is not there"),
        (
            "const a = 1;",
            'import { a } from "./one.js";\n',
            r"imports \['a'\], not exported by one",
        ),
        (
            "export const a = 1;\nconst b = 2;",
            'import { a } from "./one.js";\nconst b = 3;',
            "main.js and one.js both declare 'b'",
        ),
        (
            'import { m } from "./main.js";\nexport const a = 1;',
            'import { a } from "./one.js";\nexport const m = 2;',
            "import each other: ",
        ),
        ("", 'import * as one from "./one.js";', "form that is not read: 'import "),
        ("", "export default 3;", "form that is not read: 'export default 3;'"),
        ("", "export { a };", "form that is not read: 'export { a };'"),
    ],
)
def test_what_would_not_run_is_refused(one, main, message):
    with pytest.raises(ValueError, match=message):
        bundle({"one": one, "main": main}, "main")
