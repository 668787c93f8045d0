from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0023_endpoints_and_notices")]

    operations = [
        migrations.AddField("flag", "opened_with", models.JSONField(default=dict, editable=False)),
        migrations.AlterField(
            "flag", "evidence", models.JSONField(default=dict, help_text="The numbers as they are now.")
        ),
    ]
