"""Products and customers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from productops.workspaces.admin.owned import WorkspaceAdmin
from productops.workspaces.scope import asking
from roadmap import services
from roadmap.admin.archiving import ArchivingAdmin
from roadmap.models import Customer, Product


@admin.register(Product)
class ProductAdmin(WorkspaceAdmin):
    place = 6
    is_key_made = True
    list_display = ("name", "key", "unit", "eligible_count")
    search_fields = ("name", "key")
    ordering = ("name", "id")
    fields = ("key", "name", "unit", "eligible_count")
    delete_note = "Its items stay, without a product."

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_product(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_product(**asking(request), product_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        services.remove_product(**asking(request), product_id=row.pk, version=version)
        return "deleted"


@admin.register(Customer)
class CustomerAdmin(ArchivingAdmin):
    place = 5
    is_key_made = True
    list_display = ("name", "key", "segment", "mrr")
    list_filter = (*ArchivingAdmin.list_filter, ("segment", admin.AllValuesFieldListFilter))
    search_fields = ("name", "key")
    ordering = ("name", "id")
    fields = ("key", "name", "segment", "mrr")

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Model:
        return services.create_customer(**asking(request), **values)

    def edit(self, request: HttpRequest, row: Any, version: int | None, changes: dict[str, Any]) -> None:
        services.edit_customer(**asking(request), customer_id=row.pk, version=version, changes=changes)

    def remove(self, request: HttpRequest, row: Any, version: int | None) -> str:
        is_gone = services.remove_customer(**asking(request), customer_id=row.pk, version=version)
        return "deleted" if is_gone else "archived"

    def restore(self, request: HttpRequest, row: Any, version: int | None) -> None:
        services.restore_customer(**asking(request), customer_id=row.pk, version=version)
