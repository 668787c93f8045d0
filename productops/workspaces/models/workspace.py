from __future__ import annotations

import secrets
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from productops.workspaces.bounds import FIRST_PIN, LAST_DAY


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a time zone name such as Europe/Berlin.", code="invalid")


def new_actor_key() -> bytes:
    return secrets.token_bytes(32)


class Workspace(models.Model):
    """A tenant: its days, thresholds and, optionally, the day on which its clock is pinned."""

    key = models.CharField(
        max_length=63,
        unique=True,
        validators=[RegexValidator(r"^(?!\d+$)[a-z0-9][a-z0-9_-]*\Z", "lower-case letters, digits, - and _")],
    )
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    pinned_on = models.DateField(
        null=True, blank=True, help_text="Judge everything as of this day instead of today."
    )
    grace_days = models.PositiveSmallIntegerField(default=28)
    window_days = models.PositiveSmallIntegerField(default=28)
    under_used_below = models.FloatField(default=0.05)
    target_adoption = models.FloatField(default=0.30)
    flag_open_days = models.PositiveSmallIntegerField(default=2)
    flag_resolve_days = models.PositiveSmallIntegerField(default=7)
    is_generated = models.BooleanField(
        default=False, help_text="Its data was generated for the demonstration; no real customer is in it."
    )
    # Actors are stored only as a hash under this key, so that no one outside can test for a known user.
    actor_key = models.BinaryField(default=new_actor_key, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(grace_days__lte=3650), name="workspace_grace_is_sane"),
            models.CheckConstraint(
                condition=models.Q(window_days__gte=1, window_days__lte=730), name="workspace_window_is_sane"
            ),
            models.CheckConstraint(
                condition=models.Q(under_used_below__gte=0, under_used_below__lte=1),
                name="workspace_under_used_below_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(target_adoption__gt=0, target_adoption__lte=1),
                name="workspace_target_adoption_is_a_share",
            ),
            models.CheckConstraint(
                condition=models.Q(flag_open_days__gte=1, flag_resolve_days__gte=1),
                name="workspace_flag_days_are_positive",
            ),
            # The services refuse days yet to come; these two bounds are those that no clock moves.
            models.CheckConstraint(
                condition=models.Q(pinned_on__isnull=True) | models.Q(pinned_on__range=(FIRST_PIN, LAST_DAY)),
                name="workspace_pin_is_a_day_of_facts",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def today(self, now: datetime | None = None) -> date:
        """The day everything is judged as of: the pin, else today in the workspace's zone."""
        return self.pinned_on or self.day_by_the_clock(now)

    def day_by_the_clock(self, now: datetime | None = None) -> date:
        """Today in the workspace's zone, whatever the pin."""
        return (now or timezone.now()).astimezone(self.zone).date()

    def as_of(self) -> datetime:
        """The instant that what is computed now speaks for: now, or the end of the day of the pin."""
        if self.pinned_on is None:
            return timezone.now()
        return datetime.combine(self.pinned_on, time(23, 59, 59), self.zone)
