"""What every test needs: LiteLLM without a network, UUTEL registered, no child left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # before LiteLLM is imported: no test reaches beyond loopback
os.environ["LITELLM_MODE"] = "PRODUCTION"  # or it reads a .env

import litellm
import pytest

import uutel

pytest.register_assert_rewrite("tests.lifetimes", "tests.processes")
litellm.suppress_debug_info = True


@pytest.fixture(autouse=True, scope="session")
def _no_children_left() -> Iterator[None]:
    yield
    uutel.shutdown()
