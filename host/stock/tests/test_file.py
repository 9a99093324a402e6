"""The composed file: what is in it, what it imports, and what the README says of both."""

import re
import unittest

from stock import COMPONENT, README, ROOT, WHOLE

MANIFESTS = ROOT / "Cargo.toml", ROOT / "host" / "stock" / "Cargo.toml"


class File(unittest.TestCase):
    def setUp(self):
        self.whole = WHOLE.read_bytes()

    def test_the_component_is_in_it_byte_for_byte(self):
        self.assertIn(COMPONENT.read_bytes(), self.whole)

    def test_no_path_of_a_machine_is_in_it(self):
        paths = ["/root", "/home", "/Users", ".cargo", ".rustup"]
        paths += [str(ROOT.resolve() / part) for part in ("component", "host", "target")]
        self.assertEqual([path for path in paths if path.encode() in self.whole], [])

    def test_imports_and_exports_are_those_of_the_readme(self):
        (listed,) = re.findall(r"```wit\n(.*?)```", README, re.DOTALL)
        names = [f"import {name};" for name in names_in(self.whole, 10)]
        names += [f"export {name};" for name in names_in(self.whole, 11)]
        self.assertEqual(names, listed.strip().splitlines())

    def test_the_size_is_that_of_the_readme(self):
        (kilobytes,) = re.findall(r"(\d+) KB", README)
        self.assertAlmostEqual(len(self.whole) / 1000, int(kilobytes), delta=int(kilobytes) * 0.05)

    def test_the_version_is_the_programs(self):
        versions = [re.findall(r'^version = "(.*)"', path.read_text(), re.MULTILINE)[0] for path in MANIFESTS]
        self.assertEqual(versions[0], versions[1])


def names_in(component, kind):
    """The names in the sections of this kind, imports (10) or exports (11), of the outermost component. All are instances.
    See https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md"""
    at, names = 8, []

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = component[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(component):
        section, size = component[at], 0
        at += 1
        size = number()
        end = at + size
        if section == kind:
            for _ in range(number()):
                at += 1
                length = number()
                names.append(component[at : at + length].decode())
                at += length
                assert component[at] == 5, "an instance"
                at += 1
                number()
                if kind == 11:
                    # No type is given for an export here.
                    assert component[at] == 0
                    at += 1
        at = end
    return names
