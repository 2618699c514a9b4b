"""What Google's login and Code Assist say: answers to `VendorAPI(aside=…)`, and model answers in their envelope."""

from __future__ import annotations

import json
from typing import Any

from . import gemini
from .api import Reply

MODEL_QUOTA = {"modelId": "gemini-2.5-pro", "remainingFraction": 0.9, "remainingAmount": "90",
               "resetTime": "2026-11-24T00:00:00Z"}  # fmt: skip

NO_PROJECT: Reply = {"body": {"currentTier": {"id": "standard-tier", "name": "Standard"}}}
"""Of an account that has no project of its own."""


def login(**more: Any) -> str:
    """The file that the CLI keeps of a login."""
    stored = {"access_token": "test-token", "refresh_token": "test-refresh", "token_type": "Bearer", "scope": "-"}
    return json.dumps({**stored, "expiry_date": 4_000_000_000_000, **more})


def aside(**changed: Reply) -> dict[str, Reply]:
    """What is asked besides the model: by the end of the path, `changed` replies take the place of the usual ones."""
    usual: dict[str, Reply] = {
        "tokeninfo": {"body": {"expires_in": 3600, "scope": "-", "email": "someone@example.com"}},
        "token": {"body": {"access_token": "new-token", "expires_in": 3600, "token_type": "Bearer"}},
        "userinfo": {"body": {"email": "someone@example.com"}},
        "loadCodeAssist": {
            "body": {
                "currentTier": {"id": "standard-tier", "name": "Standard"},
                "cloudaicompanionProject": "own-project",
            }
        },
        "onboardUser": {"body": {"done": True, "response": {"cloudaicompanionProject": {"id": "own-project"}}}},
        "retrieveUserQuota": {"body": {"buckets": [MODEL_QUOTA]}},
        "listExperiments": {"body": {"experimentIds": [], "flags": []}},
        "fetchAdminControls": {"body": {}},
    }
    paths = {"token": "/token", "tokeninfo": "/tokeninfo", "userinfo": "/oauth2/v2/userinfo"}
    return {paths.get(name, f"/v1internal:{name}"): reply for name, reply in {**usual, **changed}.items()}


def answer(*parts: Any, **more: Any) -> Reply:
    """One streamed answer."""
    return enveloped(gemini.answer(*parts, **more))


def enveloped(reply: Reply) -> Reply:
    """A reply of the Gemini API as Code Assist gives it; an error is the same."""
    if "events" not in reply:
        return reply
    wrapped = [{"response": one, "traceId": "trace-1"} if "candidates" in one or "promptFeedback" in one else one
               for one in reply["events"]]  # fmt: skip
    return {**reply, "events": wrapped}
