"""Products: what items are grouped by, and whose users are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.complaints import Complaint, InUse
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_delete
from roadmap.models import Item, Product
from roadmap.services.rows import check, edit, find, insert_named, tell
from roadmap.signals import products_changed


@transaction.atomic
def create_product(*, workspace: Workspace, by: Actor, key: str = "", **fields: Any) -> Product:
    product = Product(workspace=workspace, key=key, **fields)
    check(product)
    insert_named(product, product.name)
    tell(products_changed, workspace, [product.pk], by)
    return product


@transaction.atomic
def edit_product(
    *, workspace: Workspace, by: Actor, product_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    product = find(Product, workspace, product_id)
    if edit(product, version, changes):
        tell(products_changed, workspace, [product_id], by)


@transaction.atomic
def remove_product(*, workspace: Workspace, by: Actor, product_id: int, version: int | None) -> bool:
    """Delete a product that has no items; with items it raises InUse, for they would lose their audience."""
    count = Item.objects.in_workspace(workspace.pk).filter(product_id=product_id).count()
    if count:
        detail = f"{count} items belong to this product. Move them to another one first."
        raise InUse([Complaint("", "in_use", detail)])
    guarded_delete(Product.objects.in_workspace(workspace.pk), product_id, version)
    return True
