"""The `uutel` command: reads, prints, sets the exit code; decides nothing."""
