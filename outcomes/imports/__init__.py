"""Every kind of file there is, and the one room that takes one in.

The command, the API and the admin all call `import_file`. It is one transaction: a file is taken with all
its valid rows, or (when it cannot be read, or in a dry run) not at all.
"""

from __future__ import annotations

from outcomes.imports.kinds import KINDS as OUTCOME_KINDS
from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from roadmap.imports.complaints import FileRefused, Report, RowComplaint
from roadmap.imports.kinds import KINDS as ROADMAP_KINDS
from roadmap.imports.reading import Readable
from roadmap.imports.staging import Kind
from roadmap.imports.writing import import_table

__all__ = ["KINDS", "FileRefused", "Report", "RowComplaint", "import_file"]

KINDS: dict[str, Kind] = {**ROADMAP_KINDS, **OUTCOME_KINDS}


def import_file(
    *, kind: str, stream: Readable, workspace: Workspace, by: Actor, is_dry_run: bool = False
) -> Report:
    """Take a CSV file of a kind in KINDS, plain or gzip, and report what became of every row.

    Rows that read well are taken even when others were refused. Raises FileRefused when the file as a whole
    cannot be read, and KeyError for a kind that does not exist.
    """
    return import_table(KINDS[kind], stream, workspace=workspace, by=by, is_dry_run=is_dry_run)
