"""Doors: the webhook and the REST API over what happened."""
