"""OpenAI's Codex CLI, `codex`."""
