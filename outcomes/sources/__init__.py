"""One module per source kind, each with the same two functions: `verify` raw bytes, read `events`."""
