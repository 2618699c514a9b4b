"""One folder per vendor CLI; nothing outside a folder knows what its CLI is like."""
