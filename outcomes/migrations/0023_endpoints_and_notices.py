import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import outcomes.models.endpoints
from productops.workspaces.schema import AddConstraint, AddIndex, belongs, recorded, workspace_key


class Migration(migrations.Migration):
    dependencies = [
        ("outcomes", "0022_effects_are_reconciled"),
        ("roadmap", "0007_lists_in_order"),
        ("workspaces", "0004_change"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=200)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("webhook", "webhook"),
                            ("slack", "slack"),
                            ("daily_digest", "daily_digest"),
                            ("weekly_digest", "weekly_digest"),
                        ],
                        default="webhook",
                        max_length=13,
                    ),
                ),
                ("url", models.URLField(blank=True, max_length=2000)),
                ("host", models.CharField(blank=True, editable=False, max_length=300)),
                ("email", models.EmailField(blank=True, max_length=254)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20),
                        default=outcomes.models.endpoints.every_event,
                        size=None,
                    ),
                ),
                (
                    "value_threshold",
                    models.FloatField(
                        default=5.0,
                        help_text="By how many points proven value must have moved since it was last told.",
                    ),
                ),
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[("by_hand", "by_hand"), ("gone", "gone"), ("failing", "failing")],
                        editable=False,
                        max_length=7,
                    ),
                ),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("digest_due_at", models.DateTimeField(editable=False, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="workspaces.member",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EndpointSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("secret", models.CharField(editable=False, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to="outcomes.endpoint",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "recipient",
                    models.CharField(
                        choices=[("endpoint", "endpoint"), ("owner", "owner")],
                        default="endpoint",
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("gathered", "gathered"),
                            ("delivered", "delivered"),
                            ("failed", "failed"),
                            ("dropped", "dropped"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("attempts_before", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("claimed_by", models.CharField(blank=True, editable=False, max_length=32)),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="outcomes.endpoint",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("started_at", models.DateTimeField()),
                ("took_ms", models.PositiveIntegerField(null=True)),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        help_text="Of the HTTP answer, if there was one.", null=True
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "answer",
                    models.CharField(blank=True, help_text="How the answer's body begins.", max_length=500),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="outcomes.endpoint",
                    ),
                ),
                (
                    "notice",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="outcomes.notice",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Occurrence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("flag.opened", "flag.opened"),
                            ("flag.resolved", "flag.resolved"),
                            ("value.changed", "value.changed"),
                            ("outcome.met", "outcome.met"),
                            ("outcome.missed", "outcome.missed"),
                            ("effect.decided", "effect.decided"),
                            ("source.stale", "source.stale"),
                            ("item.released", "item.released"),
                            ("flags.digest", "flags.digest"),
                            ("digest", "digest"),
                            ("endpoint.test", "endpoint.test"),
                            ("endpoint.disabled", "endpoint.disabled"),
                        ],
                        max_length=20,
                    ),
                ),
                ("identity", models.CharField(editable=False, max_length=200)),
                ("payload", models.JSONField()),
                ("occurred_at", models.DateTimeField()),
                ("is_quiet", models.BooleanField(default=False)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="occurrences",
                        to="outcomes.endpoint",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="notice",
            name="occurrence",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="notices",
                to="outcomes.occurrence",
            ),
        ),
        migrations.CreateModel(
            name="ToldValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("proven", models.FloatField(null=True)),
                ("turn", models.PositiveIntegerField(default=0)),
                (
                    "endpoint",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="told_values",
                        to="outcomes.endpoint",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="roadmap.item",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        AddIndex(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("disabled_at", None)), fields=["workspace"], name="endpoint_listening"
            ),
        ),
        AddIndex(
            model_name="endpoint",
            index=models.Index(
                condition=models.Q(("digest_due_at__isnull", False), ("disabled_at", None)),
                fields=["digest_due_at"],
                name="endpoint_digest_due",
            ),
        ),
        AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ("webhook", "slack", "daily_digest", "weekly_digest"))),
                name="endpoint_channel_is_known",
            ),
        ),
        AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "events__contained_by",
                        [
                            "flag.opened",
                            "flag.resolved",
                            "value.changed",
                            "outcome.met",
                            "outcome.missed",
                            "effect.decided",
                            "source.stale",
                            "item.released",
                        ],
                    )
                ),
                name="endpoint_events_are_known",
            ),
        ),
        AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("events__len__gt", 0)), name="an_endpoint_wants_something"
            ),
        ),
        AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("channel__in", ("webhook", "slack")),
                        ("email", ""),
                        models.Q(("url", ""), _negated=True),
                    ),
                    models.Q(
                        ("channel__in", ("daily_digest", "weekly_digest")),
                        ("url", ""),
                        models.Q(("email", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="an_endpoint_has_the_address_of_its_channel",
            ),
        ),
        AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("value_threshold__gte", 0)), name="endpoint_threshold_is_not_negative"
            ),
        ),
        AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at", None), ("disabled_reason", "")),
                    models.Q(
                        ("disabled_at__isnull", False),
                        ("disabled_reason__in", ("by_hand", "gone", "failing")),
                    ),
                    _connector="OR",
                ),
                name="a_disabled_endpoint_says_why",
            ),
        ),
        AddIndex(
            model_name="attempt",
            index=models.Index(fields=["endpoint", "-id"], name="attempt_newest"),
        ),
        AddIndex(
            model_name="attempt",
            index=models.Index(fields=["started_at"], name="attempt_oldest"),
        ),
        AddConstraint(
            model_name="attempt",
            constraint=models.UniqueConstraint(fields=("notice", "number"), name="an_attempt_is_made_once"),
        ),
        AddIndex(
            model_name="occurrence",
            index=models.Index(
                models.F("workspace"),
                models.OrderBy(models.F("occurred_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="occurrence_newest",
            ),
        ),
        AddConstraint(
            model_name="occurrence",
            constraint=models.UniqueConstraint(
                fields=("workspace", "identity"), name="one_occurrence_per_identity"
            ),
        ),
        AddConstraint(
            model_name="occurrence",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "event__in",
                        (
                            "flag.opened",
                            "flag.resolved",
                            "value.changed",
                            "outcome.met",
                            "outcome.missed",
                            "effect.decided",
                            "source.stale",
                            "item.released",
                            "flags.digest",
                            "digest",
                            "endpoint.test",
                            "endpoint.disabled",
                        ),
                    )
                ),
                name="occurrence_event_is_known",
            ),
        ),
        AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["endpoint", "due_at"], name="notice_pending"
            ),
        ),
        AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("state", "gathered")), fields=["endpoint"], name="notice_gathered"
            ),
        ),
        AddIndex(
            model_name="notice",
            index=models.Index(fields=["workspace", "-id"], name="notice_newest"),
        ),
        AddIndex(
            model_name="notice",
            index=models.Index(fields=["endpoint", "-id"], name="notice_newest_of_endpoint"),
        ),
        AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["finished_at"],
                name="notice_finished",
            ),
        ),
        AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                fields=("occurrence", "endpoint", "recipient"), name="one_notice_per_occurrence_and_recipient"
            ),
        ),
        AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("pending", "gathered", "delivered", "failed", "dropped"))),
                name="notice_state_is_known",
            ),
        ),
        AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(("recipient__in", ("endpoint", "owner"))), name="notice_recipient_is_known"
            ),
        ),
        AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("state__in", ("pending", "gathered"))),
                    models.Q(
                        models.Q(("state__in", ("pending", "gathered")), _negated=True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="a_notice_waits_or_is_finished",
            ),
        ),
        AddConstraint(
            model_name="toldvalue",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "item"), name="one_told_value_per_endpoint_and_item"
            ),
        ),
        workspace_key("outcomes_endpoint"),
        workspace_key("outcomes_occurrence"),
        workspace_key("outcomes_notice"),
        belongs("outcomes_endpoint", "owner_id", "workspaces_member"),
        belongs("outcomes_endpointsecret", "endpoint_id", "outcomes_endpoint"),
        belongs("outcomes_toldvalue", "endpoint_id", "outcomes_endpoint"),
        belongs("outcomes_toldvalue", "item_id", "roadmap_item"),
        belongs("outcomes_occurrence", "endpoint_id", "outcomes_endpoint"),
        belongs("outcomes_notice", "occurrence_id", "outcomes_occurrence"),
        belongs("outcomes_notice", "endpoint_id", "outcomes_endpoint"),
        belongs("outcomes_attempt", "notice_id", "outcomes_notice"),
        belongs("outcomes_attempt", "endpoint_id", "outcomes_endpoint"),
        recorded(
            "outcomes_endpoint",
            "endpoint",
            hidden=["url", "failing_since", "digest_due_at"],
        ),
    ]
