"""Surveys: how important a problem is to a segment, and how satisfied it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from productops.workspaces.actors import Actor
from productops.workspaces.models import Workspace
from productops.workspaces.versions import guarded_delete
from roadmap.models import Survey
from roadmap.rules import Complaint, problems_with_survey
from roadmap.services.rows import check, edit, find, tell
from roadmap.signals import problems_changed


@transaction.atomic
def create_survey(*, workspace: Workspace, by: Actor, **fields: Any) -> Survey:
    survey = Survey(workspace=workspace, **fields)
    check(survey, _complaints(survey))
    survey.save(force_insert=True)
    tell(problems_changed, workspace, [survey.problem_id], by)
    return survey


@transaction.atomic
def edit_survey(
    *, workspace: Workspace, by: Actor, survey_id: int, version: int | None, changes: Mapping[str, Any]
) -> None:
    survey = find(Survey, workspace, survey_id)
    before_id = survey.problem_id
    if edit(survey, version, changes, _complaints(survey)):
        tell(problems_changed, workspace, [before_id, survey.problem_id], by)


@transaction.atomic
def remove_survey(*, workspace: Workspace, by: Actor, survey_id: int, version: int | None) -> bool:
    survey = find(Survey, workspace, survey_id)
    guarded_delete(Survey.objects.in_workspace(workspace.pk), survey_id, version)
    tell(problems_changed, workspace, [survey.problem_id], by)
    return True


def _complaints(survey: Survey) -> Iterator[Complaint]:
    yield from problems_with_survey(
        respondents=survey.respondents,
        importance_top2=survey.importance_top2,
        satisfaction_top2=survey.satisfaction_top2,
    )
