from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class WorkspacesConfig(AppConfig):
    name = "productops.workspaces"
    label = "workspaces"
    verbose_name = "Workspaces"

    def ready(self) -> None:
        from productops.workspaces import attribution, history

        connection_created.connect(attribution.listen_to, dispatch_uid="productops.attribution")
        post_migrate.connect(history.keep_order, sender=self, dispatch_uid="productops.history")
