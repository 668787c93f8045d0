"""The people of a workspace: invited, given a role, removed. A workspace always keeps an admin."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from productops.workspaces.actors import Actor
from productops.workspaces.attribution import say_who
from productops.workspaces.complaints import Complaint, InUse, Refused, refuse_if_any
from productops.workspaces.models import Invitation, Member, Role, User, Workspace
from productops.workspaces.versions import NotHere, StaleEdit, guarded_delete, guarded_update

INVITATION_STANDS = timedelta(days=7)
NEEDS_AN_ADMIN = "A workspace needs an admin: make somebody else one first."


class InvitationRefused(Exception):
    """The token opens nothing. Why is not said: unknown, used, withdrawn and expired look alike."""


class HasAccount(Exception):
    """The address belongs to somebody who has an account: they have to sign in before they accept."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody without an account says of themselves when they accept."""

    name: str
    password: str


# --- Members --------------------------------------------------------------------------------------------


@transaction.atomic
def add_member(*, workspace: Workspace, user: User, role: str) -> Member:
    """Make a person a member, or change the role of one who is."""
    member, _ = Member.objects.update_or_create(workspace=workspace, user=user, defaults={"role": role})
    return member


@transaction.atomic
def change_role(*, workspace: Workspace, by: Actor, member_id: int, version: int | None, role: str) -> None:
    """Give a member another role. Raises NotHere, StaleEdit, Refused, and InUse for the last admin."""
    if role not in Role.values:
        raise Refused([Complaint("role", "invalid_choice", f"Must be one of {', '.join(Role.values)}.")])
    member = _lock_member(workspace, member_id)
    if role == member.role:
        if version is not None and version != member.version:
            raise StaleEdit
        return
    _refuse_last_admin(member, "role")
    guarded_update(Member.objects.in_workspace(workspace.pk), member_id, version, {"role": role})


@transaction.atomic
def remove_member(*, workspace: Workspace, by: Actor, member_id: int, version: int | None) -> None:
    """Take somebody's membership away; they keep their account. Raises NotHere, StaleEdit and InUse."""
    _refuse_last_admin(_lock_member(workspace, member_id), "")
    guarded_delete(Member.objects.in_workspace(workspace.pk), member_id, version)


def _lock_member(workspace: Workspace, member_id: int) -> Member:
    """The member, under a lock of the workspace, so that two admins cannot both be the one who leaves."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    member = Member.objects.in_workspace(workspace.pk).filter(pk=member_id).first()
    if member is None:
        raise NotHere
    return member


def _refuse_last_admin(member: Member, field: str) -> None:
    if member.role != Role.ADMIN:
        return
    others = Member.objects.in_workspace(member.workspace_id).filter(role=Role.ADMIN).exclude(pk=member.pk)
    # Somebody who cannot sign in any more looks after nothing.
    if not others.filter(user__is_active=True).exists():
        raise InUse([Complaint(field, "last_admin", NEEDS_AN_ADMIN)])


# --- Invitations ----------------------------------------------------------------------------------------


@transaction.atomic
def invite(*, workspace: Workspace, by: Actor, email: str, role: str = Role.VIEWER) -> tuple[Invitation, str]:
    """Ask somebody in; return the invitation and its token, which is shown this once.

    An earlier invitation of the same address that was not accepted is replaced, and its token opens nothing
    any more. Raises Refused, and InUse when the address is a member's.
    """
    address = email.strip().lower()
    _refuse_bad_invitation(address, role)
    members = Member.objects.in_workspace(workspace.pk)
    if members.filter(Q(user__email__iexact=address) | Q(user__username__iexact=address)).exists():
        raise InUse([Complaint("email", "is_member", "This person is a member already.")])
    Invitation.objects.in_workspace(workspace.pk).filter(email=address, accepted_at=None).delete()
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=address,
        role=role,
        token_hash=_hash(token),
        invited_by=by.name,
        expires_at=timezone.now() + INVITATION_STANDS,
    )
    return invitation, token


@transaction.atomic
def withdraw_invitation(*, workspace: Workspace, by: Actor, invitation_id: int, version: int | None) -> None:
    """Take an invitation back; its token opens nothing any more. Raises NotHere and StaleEdit."""
    guarded_delete(Invitation.objects.in_workspace(workspace.pk), invitation_id, version)


def accept_invitation(*, token: str, user: User | None, newcomer: Newcomer | None) -> Member:
    """Make the person who holds the token a member: the one who is signed in, or a new one.

    A member keeps the role they have if it is the higher one. Raises InvitationRefused, HasAccount, and Refused
    for a password that will not do.
    """
    hashed = ""
    if user is None and newcomer is not None:
        _standing(Invitation.objects.all(), token)
        # Takes seconds on a busy machine: not while anything is locked.
        hashed = make_password(newcomer.password)
    with transaction.atomic():
        locked = Invitation.objects.select_for_update(of=("self",)).select_related("workspace")
        return _accept(_standing(locked, token), user, newcomer, hashed)


def _standing(invitations: QuerySet[Invitation], token: str) -> Invitation:
    invitation = invitations.filter(token_hash=_hash(token)).first()
    if invitation is None or invitation.accepted_at is not None or invitation.expires_at <= timezone.now():
        raise InvitationRefused
    return invitation


def _accept(invitation: Invitation, user: User | None, newcomer: Newcomer | None, hashed: str) -> Member:
    now = timezone.now()
    person = user or _new_person(invitation.email, newcomer, hashed)
    say_who(Actor(name=person.get_full_name() or person.username, user_id=person.pk, via="api"))
    member = Member.objects.in_workspace(invitation.workspace_id).filter(user=person).first()
    if member is None:
        member = add_member(workspace=invitation.workspace, user=person, role=invitation.role)
    elif _RANK[invitation.role] > _RANK[member.role]:
        rows = Member.objects.in_workspace(invitation.workspace_id)
        guarded_update(rows, member.pk, None, {"role": invitation.role})
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=now, version=invitation.version + 1)
    return Member.objects.select_related("workspace", "user").get(pk=member.pk)


_RANK = {Role.VIEWER.value: 0, Role.EDITOR.value: 1, Role.ADMIN.value: 2}


def _new_person(email: str, newcomer: Newcomer | None, hashed: str) -> User:
    if User.objects.filter(Q(username__iexact=email) | Q(email__iexact=email)).exists():
        raise HasAccount
    if newcomer is None:
        raise Refused([Complaint("password", "required", "Choose a password for your account.")])
    first, _, last = newcomer.name.strip().partition(" ")
    person = User(username=email, email=email, first_name=first, last_name=last.strip(), is_staff=True)
    _refuse_bad_person(person, newcomer.password)
    person.password = hashed
    person.save(force_insert=True)
    return person


def _refuse_bad_person(person: User, password: str) -> None:
    complaints = []
    try:
        person.clean_fields(exclude=["password"])
    except ValidationError as error:
        detail = " ".join(error.messages)
        complaints.append(Complaint("name", "invalid", detail))
    try:
        validate_password(password, person)
    except ValidationError as error:
        complaints += [
            Complaint("password", problem.code or "invalid", problem.messages[0])
            for problem in error.error_list
        ]
    refuse_if_any(complaints)


def _refuse_bad_invitation(address: str, role: str) -> None:
    complaints = problems_with_address(address)
    if role not in Role.values:
        complaints.append(Complaint("role", "invalid_choice", f"Must be one of {', '.join(Role.values)}."))
    refuse_if_any(complaints)


def problems_with_address(email: str) -> list[Complaint]:
    """Return the complaint about an address that nobody can be invited by."""
    address = email.strip().lower()
    try:
        # A username of an account, which it becomes, is at most this long.
        if len(address) > 150:
            raise ValidationError("An address of at most 150 characters.")
        validate_email(address)
    except ValidationError as error:
        return [Complaint("email", "invalid", " ".join(error.messages))]
    return []


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
