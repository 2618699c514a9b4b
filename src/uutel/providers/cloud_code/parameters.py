"""What becomes of each parameter of a call to `uutel/cloud-code/…`; the docs print this table."""

from __future__ import annotations

from ...core.params import native, refused
from ..gemini_cli.parameters import SESSION_PARAMETERS

_OTHER = "Code Assist has one place and one credential, the CLI's login"

PARAMETERS = SESSION_PARAMETERS.but(
    native("project", "the Google Cloud project that the call belongs to"),
    native("vertex_project", "the same as `project`"),
    native("labels", "`labels`"),
    *refused("vertex_location", "vertex_credentials", how=_OTHER),
    *refused(
        "web_search_options", "extra_body", how="a session of the CLI's has no place for it; use uutel/gemini-cli"
    ),
)
