"""The API of a real CLI's vendor falls silent: before it has said anything, or in the middle of its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uutel

from ..lifetimes import BEFORE, SOON, Point, Silence, Silent
from ..processes import eventually
from ..support import environment
from ..vendor.api import Reply, VendorAPI


def silent_api(call: dict[str, Any], begun: Reply, env: dict[str, str], home: Path, patience: float = 3.0) -> Silent:
    """`begun` is what it has said when it falls silent in mid-answer; `env` is there for programs of their own, too."""

    @contextmanager
    def start(point: Point) -> Iterator[Silence]:
        reply = {"then": "stall"} if point == BEFORE else begun
        uutel.shutdown()  # a server that another test keeps warm is none of those that are to end
        with environment({"UUTEL_SPARES": "0", **env}, home), VendorAPI([reply]) as vendor:

            def reached() -> None:
                vendor.wait_for_requests(1)
                eventually(lambda: point == BEFORE or vendor.last_byte_at)

            def noticed() -> None:
                assert vendor.hung_up.wait(SOON)
                assert len(vendor.requests) == 1

            yield Silence({**call, "api_base": vendor.url}, patience, reached, noticed)

    return start
