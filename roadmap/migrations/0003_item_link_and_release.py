import django.db.models.deletion
from django.db import migrations, models

import roadmap.models.keyed
from productops.workspaces.schema import AddConstraint, AddIndex, belongs, workspace_key

# The weights of one item's links sum to at most 1. Checked at commit, so that two links may swap theirs.
CREATE_WEIGHT_CHECK = """
CREATE FUNCTION roadmap_check_link_weights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Two transactions that each add a link must not both see room for it.
    PERFORM 1 FROM roadmap_item WHERE id = NEW.item_id FOR NO KEY UPDATE;
    IF (SELECT sum(weight) FROM roadmap_link WHERE item_id = NEW.item_id) > 1.000001 THEN
        RAISE EXCEPTION 'the weights of one item''s links sum to more than 1'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'link_weights_of_an_item_sum_to_at_most_1';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER link_weights_of_an_item_sum_to_at_most_1
    AFTER INSERT OR UPDATE ON roadmap_link DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION roadmap_check_link_weights();
"""
DROP_WEIGHT_CHECK = """
DROP TRIGGER link_weights_of_an_item_sum_to_at_most_1 ON roadmap_link;
DROP FUNCTION roadmap_check_link_weights();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("roadmap", "0002_problem_evidence_and_survey"),
    ]

    operations = [
        migrations.CreateModel(
            name="Item",
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
                ("key", models.CharField(max_length=200, validators=[roadmap.models.keyed.validate_key])),
                ("title", models.CharField(max_length=300)),
                ("summary", models.TextField(blank=True)),
                ("hypothesis", models.TextField(blank=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("feature", "feature"),
                            ("improvement", "improvement"),
                            ("fix", "fix"),
                            ("enabler", "enabler"),
                            ("experiment", "experiment"),
                        ],
                        default="feature",
                        max_length=20,
                    ),
                ),
                ("url", models.URLField(blank=True, max_length=2000)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("idea", "idea"),
                            ("discovery", "discovery"),
                            ("delivery", "delivery"),
                            ("released", "released"),
                            ("sunset", "sunset"),
                            ("archived", "archived"),
                        ],
                        default="idea",
                        max_length=10,
                    ),
                ),
                (
                    "horizon",
                    models.CharField(
                        blank=True,
                        choices=[("now", "now"), ("next", "next"), ("later", "later")],
                        max_length=5,
                    ),
                ),
                (
                    "released_on",
                    models.DateField(blank=True, help_text="The day of the first release.", null=True),
                ),
                ("is_release_stated", models.BooleanField(default=False, editable=False)),
                (
                    "usage_policy",
                    models.CharField(
                        choices=[("normal", "normal"), ("mandatory", "mandatory"), ("exempt", "exempt")],
                        default="normal",
                        max_length=10,
                    ),
                ),
                (
                    "exemption_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("compliance", "compliance"),
                            ("security", "security"),
                            ("recovery", "recovery"),
                            ("enabler", "enabler"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "reach",
                    models.FloatField(blank=True, help_text="People (or customers) a quarter.", null=True),
                ),
                (
                    "impact",
                    models.FloatField(
                        blank=True,
                        choices=[(3, "3"), (2, "2"), (1, "1"), (0.5, "0.5"), (0.25, "0.25")],
                        null=True,
                    ),
                ),
                ("confidence", models.FloatField(blank=True, help_text="0 to 1.", null=True)),
                ("effort", models.FloatField(blank=True, help_text="Person-months.", null=True)),
                ("inputs_at_release", models.JSONField(editable=False, null=True)),
                ("window_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("grace_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("under_used_below", models.FloatField(blank=True, null=True)),
                ("target_adoption", models.FloatField(blank=True, null=True)),
                (
                    "natural_period_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="How often it is naturally used: 90 for a quarterly feature.",
                        null=True,
                    ),
                ),
                ("archived_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="items",
                        to="roadmap.product",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Link",
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
                ("weight", models.FloatField(default=1)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
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
                (
                    "problem",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="links",
                        to="roadmap.problem",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("on", models.DateField(help_text="The day of `at` in the workspace's zone.")),
                ("url", models.URLField(blank=True, max_length=2000)),
                ("stated_at", models.DateTimeField(editable=False)),
                ("stated_by", models.CharField(editable=False, max_length=200)),
                ("stated_row", models.PositiveIntegerField(default=0, editable=False)),
                ("is_retracted", models.BooleanField(default=False, editable=False)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="releases",
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
        AddConstraint(
            model_name="link",
            constraint=models.UniqueConstraint(
                fields=("item", "problem"), name="one_link_per_item_and_problem"
            ),
        ),
        AddConstraint(
            model_name="link",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gt", 0), ("weight__lte", 1)), name="link_weight_is_a_share"
            ),
        ),
        AddIndex(
            model_name="item",
            index=models.Index(
                models.F("workspace"), models.F("status"), models.F("released_on"), name="item_by_status"
            ),
        ),
        AddIndex(
            model_name="item",
            index=models.Index(models.F("product"), name="item_by_product"),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="one_item_per_key"),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key__regex", "^[A-Za-z0-9_-]+$"),
                    models.Q(("key__regex", "^[0-9]+$"), _negated=True),
                    models.Q(("key", "bulk"), _negated=True),
                ),
                name="item_key_is_well_formed",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ("idea", "discovery", "delivery", "released", "sunset", "archived"))
                ),
                name="item_status_is_known",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("horizon__in", ["", "now", "next", "later"])),
                name="item_horizon_is_known",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("feature", "improvement", "fix", "enabler", "experiment"))),
                name="item_kind_is_known",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("usage_policy__in", ("normal", "mandatory", "exempt"))),
                name="item_usage_policy_is_known",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("usage_policy", "exempt"),
                        ("exemption_reason__in", ("compliance", "security", "recovery", "enabler")),
                    ),
                    models.Q(models.Q(("usage_policy", "exempt"), _negated=True), ("exemption_reason", "")),
                    _connector="OR",
                ),
                name="an_exempt_item_says_why",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "released"), _negated=True),
                    ("released_on__isnull", False),
                    _connector="OR",
                ),
                name="a_released_item_has_a_day",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("reach__gte", 0)), name="item_reach_is_not_negative"
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("impact__in", (3, 2, 1, 0.5, 0.25))), name="item_impact_is_on_the_scale"
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("confidence__gt", 0), ("confidence__lte", 1)),
                name="item_confidence_is_a_share",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("effort__gt", 0)), name="item_effort_is_positive"
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("under_used_below__gte", 0), ("under_used_below__lte", 1)),
                name="item_under_used_below_is_a_share",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("target_adoption__gt", 0), ("target_adoption__lte", 1)),
                name="item_target_adoption_is_a_share",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("window_days__gte", 1), ("window_days__lte", 730)),
                name="item_window_is_sane",
            ),
        ),
        AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("natural_period_days__gte", 1), ("natural_period_days__lte", 365)),
                name="item_natural_period_is_sane",
            ),
        ),
        AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(
                fields=("item", "at"), name="one_release_per_item_and_instant"
            ),
        ),
        workspace_key("roadmap_item"),
        belongs("roadmap_item", "product_id", "roadmap_product"),
        belongs("roadmap_item", "owner_id", "workspaces_member"),
        belongs("roadmap_link", "item_id", "roadmap_item"),
        belongs("roadmap_link", "problem_id", "roadmap_problem"),
        belongs("roadmap_release", "item_id", "roadmap_item"),
        migrations.RunSQL(CREATE_WEIGHT_CHECK, DROP_WEIGHT_CHECK),
    ]
