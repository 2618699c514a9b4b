"""Gemini Code Assist by the Gemini CLI: `uutel/cloud-code/<model>`."""
