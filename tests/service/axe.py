"""An audit of a page's accessibility with axe-core, which comes from npm and is only used here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

__all__ = ["audit"]

_SOURCE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.map(({id, impact, help, nodes}) => ({
        id, impact, help, nodes: nodes.slice(0, 5).map((node) => `${node.html} ${node.failureSummary}`),
    }));
}"""
_REFUSED = ("serious", "critical")


def audit(page: Page) -> list[dict[str, Any]]:
    """Return what axe-core finds serious or critical in what a page shows now; skipped without Node.

    Transitions must be through: audit a page that was opened with `reduced_motion="reduce"`.
    """
    if not _SOURCE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{_SOURCE} is missing; expected what `npm ci` installs")
        pytest.skip("axe-core is not installed (npm ci)")
    # By the debugger, which the page's policy does not bind.
    page.evaluate(_SOURCE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [violation for violation in found if violation["impact"] in _REFUSED]
