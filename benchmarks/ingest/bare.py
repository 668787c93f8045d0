"""The floor of the door: a Django without middleware whose one view INSERTs the body. Served like the real one."""

from __future__ import annotations

import os

os.environ.setdefault("PRODUCTOPS_ROLE", "web")

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from productops.settings import DATABASES

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES=DATABASES,
        MIDDLEWARE=[],
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.environ["SECRET_KEY"],
        USE_TZ=True,
    )
    django.setup()


def keep(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_bare (body) VALUES (%s) RETURNING id", [request.body])
        id_ = cursor.fetchone()[0]
    return JsonResponse({"id": str(id_), "status": "accepted"}, status=202)


urlpatterns = [path("keep", keep)]
application = get_wsgi_application()
