"""Anthropic's Claude Code CLI, `claude`."""
