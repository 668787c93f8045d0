from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("roadmap", "0007_lists_in_order"),
    ]

    # What was taken before stays as it is, and says as little as it did; nothing new comes in or is edited so.
    operations = [
        AddConstraintNotValid(
            model_name="survey",
            constraint=models.CheckConstraint(
                condition=models.Q(respondents__gte=1), name="a_survey_was_answered"
            ),
        ),
    ]
