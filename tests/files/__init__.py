"""The file doors: CSV imports, backfill and create_workspace."""
