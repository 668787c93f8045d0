"""Forms whose rows are judged by the services: a refusal comes back as errors of the form that caused it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError
from django.db.models import Model
from django.forms.models import InlineForeignKeyField, construct_instance
from django.http import HttpRequest

from productops.workspaces.complaints import Complaint, Refused
from productops.workspaces.scope import scope_of
from productops.workspaces.versions import NotHere, StaleEdit

STALE = (
    "Somebody else changed this after you had opened it. Nothing was saved; open it again to see what it"
    " says now, then make your change."
)
GONE = "Somebody else removed this after you had opened it."
MOVED = "This form was opened in another workspace than the one in hand. Switch back to it, or start again."

_REFUSAL = "productops_refusal"


class FormRefusal(Exception):
    """A service refused what one form of the page asked for."""

    def __init__(self, prefix: str | None, complaints: Sequence[Complaint]) -> None:
        super().__init__("; ".join(said.detail for said in complaints))
        self.prefix = prefix
        self.complaints = complaints


class WorkspaceForm(forms.ModelForm):
    """A row of a workspace as a person edits it.

    It carries the version that the person saw and the workspace they were in. Fields judge their own values;
    what must hold for the row as a whole is judged once, by the service that writes it.
    """

    # Set on the class, which Django's admin makes anew for every request.
    request: ClassVar[HttpRequest]
    # The service makes a key from the title or the name when a new row has none.
    is_key_made: ClassVar[bool] = False

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen_workspace = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_workspace"].initial = scope_of(self.request).workspace_id
        if self.instance.pk is not None:
            self.fields["seen_version"].initial = getattr(self.instance, "version", None)
        elif self.is_key_made and "key" in self.fields:
            self.fields["key"].required = False
            self.fields["key"].help_text = "Names it in addresses and files. Blank makes one."

    def has_changed(self) -> bool:
        return bool(self.changes())

    def changes(self) -> list[str]:
        """The names of the fields whose value the person changed."""
        return [name for name in self.changed_data if not name.startswith("seen_")]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("seen_workspace") != scope_of(self.request).workspace_id:
            raise ValidationError(MOVED, code="moved")
        if self._is_stale():
            raise ValidationError(STALE, code="stale")
        for field, message in refusals_for(self.request, self.prefix):
            self.add_error(field if field in self.fields else None, message)
        return cleaned

    def _is_stale(self) -> bool:
        if self.instance.pk is None or not hasattr(self.instance, "version"):
            return False
        return bool(self.cleaned_data.get("seen_version") != self.instance.version)

    def _post_clean(self) -> None:
        exclude = self._get_validation_exclusions()  # type: ignore[attr-defined]
        exclude.update(name for name, f in self.fields.items() if isinstance(f, InlineForeignKeyField))
        try:
            self.instance = construct_instance(self, self.instance, self._meta.fields, self._meta.exclude)
            self.instance.clean_fields(exclude=exclude)
            self.instance.clean()
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """What the form says about a row that is to be created; what it leaves blank is not said."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if not name.startswith("seen_") and value is not None and value != ""
        }

    @property
    def changed_values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changes()}


@contextmanager
def told_to(form: forms.ModelForm) -> Iterator[None]:
    """Run a service for a form; what it refuses becomes a FormRefusal that names the form."""
    try:
        yield
    except Refused as refused:
        raise FormRefusal(form.prefix, refused.complaints) from refused
    except StaleEdit as stale:
        raise FormRefusal(form.prefix, [Complaint("", "stale", STALE)]) from stale
    except NotHere as gone:
        raise FormRefusal(form.prefix, [Complaint("", "gone", GONE)]) from gone
    except IntegrityError as error:
        raise FormRefusal(form.prefix, [complaint_of(form._meta.model, error)]) from error


def complaint_of(model: type[Model], error: IntegrityError) -> Complaint:
    """Return what a constraint of the database said, by its name: constraints are named as sentences."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None) or ""
    constraint = next((c for c in model._meta.constraints if c.name == name), None)
    fields = [field for field in getattr(constraint, "fields", ()) if field != "workspace"]
    if fields:
        words = " and ".join(field_name(model, field) for field in fields)
        return Complaint(fields[0], "taken", f"Another {model._meta.verbose_name} has this {words} already.")
    sentence = name.replace("_", " ") or "the database refused it"
    return Complaint("", "refused", f"This cannot be: {sentence}.")


def field_name(model: type[Model], name: str) -> str:
    """Return a field's name as people read it."""
    return str(getattr(model._meta.get_field(name), "verbose_name", name))


def remember_refusal(request: HttpRequest, refusal: FormRefusal) -> None:
    """Keep a refusal for the forms of the same request, which are then shown again with it."""
    setattr(request, _REFUSAL, refusal)


def refusals_for(request: HttpRequest, prefix: str | None) -> list[tuple[str | None, str]]:
    """Return (field, message) of what was refused to the form with this prefix."""
    refusal: FormRefusal | None = getattr(request, _REFUSAL, None)
    if refusal is None or refusal.prefix != prefix:
        return []
    return [(said.field.split("/")[0] or NON_FIELD_ERRORS, said.detail) for said in refusal.complaints]
