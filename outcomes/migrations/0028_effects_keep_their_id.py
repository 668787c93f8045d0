from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0027_flags_of_days_to_come")]

    operations = [
        migrations.AddField("effect", "is_withdrawn", models.BooleanField(default=False, editable=False)),
    ]
