"""The frame: settings, URLs, the Celery app and what every endpoint shares."""
