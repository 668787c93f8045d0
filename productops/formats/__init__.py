"""How days and moments read on pages: as they do in files and in the API."""
