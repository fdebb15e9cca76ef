"""`helm upgrade --install` on a release that stands, beside `helm version`, which asks nobody.

Both are the real helm; the difference is its own reading of the chart and what the sandbox takes to
answer it.
"""

from __future__ import annotations

from akswi_helpers import helm as helms
from akswi_helpers.scenarios import named
from tests.bench.homes import lab
from tests.bench.rows import Row, in_turn, ratio, seconds
from tests.chain.standing import Standing

REPEATS = 15


def rows() -> list[Row]:
    """The ratio."""
    helm = str(helms.find())
    with lab() as standing:
        upgrade, version = in_turn(
            REPEATS, lambda: _upgrade(standing, helm), lambda: standing.run([helm, "version"])
        )
    said = f"upgrade {seconds(upgrade)}, version {seconds(version)}"
    return [Row("helm upgrade --install ÷ helm version", ratio(upgrade, version), 2.1, said=said)]


def _upgrade(standing: Standing, helm: str) -> None:
    app = named("app1")
    command = [helm, "upgrade", app.release, str(app.chart), "--install", "--reuse-values"]
    standing.run([*command, "--namespace", app.namespace])
