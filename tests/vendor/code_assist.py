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

FREE = {"id": "free-tier", "name": "Free", "isDefault": True}
STANDARD = {"id": "standard-tier", "name": "Standard", "isDefault": True, "userDefinedCloudaicompanionProject": True}
INELIGIBLE = {
    "reasonCode": "UNSUPPORTED_LOCATION", "tierId": "free-tier", "tierName": "Free",
    "reasonMessage": "Your current account is not eligible for Gemini Code Assist for individuals because it is not "
                     "currently available in your location.",
}  # fmt: skip
UNVERIFIED = {
    "reasonCode": "VALIDATION_REQUIRED", "tierId": "standard-tier", "tierName": "Standard",
    "reasonMessage": "Verify your account to continue.", "validationUrl": "https://accounts.google.com/verify",
}  # fmt: skip
VERIFY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "VALIDATION_REQUIRED",
    "domain": "cloudcode-pa.googleapis.com", "metadata": {"validation_link": "https://accounts.google.com/verify"},
}  # fmt: skip
BEING_SET_UP: dict[str, Reply] = {
    name: {"body": {"name": "operations/1", "done": False}} for name in ("onboardUser", "operations/1")
}
"""Of an account for which Code Assist is being made ready, for as long as one asks."""


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
    paths = {"token": "/token", "tokeninfo": "/tokeninfo", "userinfo": "/oauth2/v2/userinfo",
             "operations/1": "/v1internal/operations/1"}  # fmt: skip
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
