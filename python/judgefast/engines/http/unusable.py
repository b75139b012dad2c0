"""Why a reply is no answer."""

from __future__ import annotations


class BadReplyError(Exception):
    """It is no JSON, or other than what was asked for; the words say how."""


class CutPromptError(Exception):
    """The server has read less than it was sent."""
