import django.db.models.deletion
from django.db import migrations, models

import roadmap.models.keyed
from productops.workspaces.schema import AddConstraint, workspace_key


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0001_workspace_person_and_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="Customer",
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
                ("name", models.CharField(max_length=200)),
                ("segment", models.CharField(blank=True, max_length=100)),
                ("mrr", models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True)),
                ("stated_at", models.DateTimeField(editable=False, null=True)),
                ("stated_by", models.CharField(blank=True, editable=False, max_length=200)),
                ("stated_row", models.PositiveIntegerField(default=0, editable=False)),
                ("archived_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
            name="Product",
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
                ("name", models.CharField(max_length=200)),
                (
                    "unit",
                    models.CharField(
                        choices=[("people", "People"), ("customers", "Customers")],
                        default="people",
                        max_length=10,
                    ),
                ),
                (
                    "eligible_count",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many could use it, where nothing measured says so.",
                        null=True,
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
            model_name="customer",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="one_customer_per_key"),
        ),
        AddConstraint(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key__regex", "^[A-Za-z0-9._:@-]+$"),
                    models.Q(("key__regex", "^[0-9]+$"), _negated=True),
                    models.Q(("key", "bulk"), _negated=True),
                ),
                name="customer_key_is_well_formed",
            ),
        ),
        AddConstraint(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(("mrr__gte", 0)), name="customer_mrr_is_not_negative"
            ),
        ),
        AddConstraint(
            model_name="product",
            constraint=models.UniqueConstraint(fields=("workspace", "key"), name="one_product_per_key"),
        ),
        AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("key__regex", "^[A-Za-z0-9_-]+$"),
                    models.Q(("key__regex", "^[0-9]+$"), _negated=True),
                    models.Q(("key", "bulk"), _negated=True),
                ),
                name="product_key_is_well_formed",
            ),
        ),
        AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(("unit__in", ["people", "customers"])), name="product_unit_is_known"
            ),
        ),
        workspace_key("roadmap_product"),
        workspace_key("roadmap_customer"),
    ]
