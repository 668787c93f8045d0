"""The web server's door into Django."""

from __future__ import annotations

import os

# Before the settings are read: they size the connection pool and the timeouts by role.
os.environ.setdefault("PRODUCTOPS_ROLE", "web")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "productops.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
