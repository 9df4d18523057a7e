"""Dead letters as a person works with them: counted, explained, mended, replayed; `command` is the front."""
