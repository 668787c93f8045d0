"""The document, the application behind it, and a workspace with somebody outside of it."""

from __future__ import annotations

from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application

from productops.local.places import CHECKOUT
from productops.workspaces.models import Workspace
from tests.callers import Caller
from tests.factories import a_workspace
from tests.fuzz import checks
from tests.tenants.routes import Operation, operations
from tests.tenants.rows import OPEN
from tests.tenants.test_matrix import ids, objects_of

assert checks

CONFIG = schemathesis.Config.from_path(CHECKOUT / "tests" / "fuzz" / "schemathesis.toml")
schema: Any = schemathesis.openapi.from_path(CHECKOUT / "docs" / "openapi.json", config=CONFIG)
schema.app = get_wsgi_application()
OPERATIONS = {one.label: one for one in (found.ok() for found in schema.get_all_operations())}

# The application is called without a client that would unpack what is compressed.
AS_IT_IS = {"Accept-Encoding": "identity"}


class Room:
    """A workspace, somebody outside of it, and its objects for the paths of an operation."""

    def __init__(self) -> None:
        self.workspace: Workspace = a_workspace()
        self.owner = Caller(self.workspace).headers
        self.outsider = Caller(a_workspace()).headers
        self.found: dict[str, dict[str, Any]] = {}

    def refs(self, path: str) -> dict[str, Any]:
        path = path.removeprefix("/api/")
        if path not in self.found:
            operation: Operation = next(one for one in operations() if one.path == path)
            self.found[path] = {} if path in OPEN else ids(objects_of(operation, self.workspace))
        return self.found[path]
