"""What a file may refer to: the workspace's own objects, by key or id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from productops.workspaces.models import Member, Workspace
from productops.workspaces.querysets import WorkspaceQuerySet
from roadmap.models import Customer, Item, Problem, Product

Loader = Callable[[Workspace], dict[str, int]]


def ids_by_name(objects: WorkspaceQuerySet, workspace: Workspace) -> dict[str, int]:
    """The ids of a workspace's objects by key and by the id's own digits; no key is all digits."""
    pairs = list(objects.in_workspace(workspace.pk).values_list("key", "pk"))
    return {**{str(pk): pk for _, pk in pairs}, **dict(pairs)}


def _member_ids(workspace: Workspace) -> dict[str, int]:
    """Members by username and by e-mail address, an address that two of them share left out."""
    members = list(
        Member.objects.in_workspace(workspace.pk).values_list("pk", "user__username", "user__email")
    )
    shared = Counter(email.lower() for _, _, email in members)
    by_email = {email.lower(): pk for pk, _, email in members if email and shared[email.lower()] == 1}
    by_name = {username.lower() if "@" in username else username: pk for pk, username, _ in members}
    return {**by_email, **by_name}


LOADERS: dict[str, Loader] = {
    "customer": lambda workspace: ids_by_name(Customer.objects.all(), workspace),
    "item": lambda workspace: ids_by_name(Item.objects.all(), workspace),
    "member": _member_ids,
    "problem": lambda workspace: ids_by_name(Problem.objects.all(), workspace),
    "product": lambda workspace: ids_by_name(Product.objects.all(), workspace),
}


def load_directory(
    workspace: Workspace, what: Iterable[str], loaders: Mapping[str, Loader]
) -> dict[str, dict[str, int]]:
    return {name: loaders[name](workspace) for name in what}
