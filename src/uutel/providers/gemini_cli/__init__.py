"""Gemini CLI: `uutel/gemini-cli/<model>`."""
