from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from productops.workspaces.models import Workspace, WorkspaceOwned

FILE_KINDS = (
    "products",
    "customers",
    "problems",
    "items",
    "links",
    "evidence",
    "surveys",
    "metrics",
    "outcomes",
)
# refused: the file as a whole could not be read. failed: given up after several attempts.
FILE_STATES = ("pending", "done", "refused", "failed")


class FileImport(WorkspaceOwned):
    """A CSV file that was handed in, and what became of its rows. While it is pending, the row is the queue."""

    # Redeclared: the index below begins with it.
    workspace = models.ForeignKey(Workspace, models.CASCADE, editable=False, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in FILE_KINDS])
    name = models.CharField(max_length=200, blank=True, help_text="The file's name, if it was said.")
    state = models.CharField(max_length=8, choices=[(state, state) for state in FILE_STATES])
    is_dry_run = models.BooleanField(default=False)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    # [{"line", "column", "code", "detail"}], at most a thousand.
    complaints = models.JSONField(default=list)
    complaints_left_out = models.PositiveIntegerField(default=0)
    # The file as it came, gzip or not; dropped once it has been taken.
    body = models.BinaryField(null=True, editable=False)
    body_bytes = models.PositiveIntegerField(editable=False)
    read_bytes = models.PositiveIntegerField(default=0, editable=False)
    user_id = models.BigIntegerField(null=True, editable=False)
    by = models.CharField(max_length=200, blank=True, editable=False)
    via = models.CharField(max_length=10, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "import"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=FILE_KINDS), name="file_import_kind_is_known"),
            models.CheckConstraint(condition=Q(state__in=FILE_STATES), name="file_import_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state="pending") | Q(body__isnull=False), name="a_pending_import_has_its_file"
            ),
        ]
        indexes = [
            # The queue: read to claim work, and by the sweep to find what a hint missed.
            models.Index(fields=["id"], condition=Q(state="pending"), name="file_import_pending"),
            # Read by the list of a workspace's imports, newest first.
            models.Index(F("workspace"), F("created_at").desc(), F("id").desc(), name="file_import_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.state})"
