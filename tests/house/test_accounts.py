"""Where PostgreSQL's files go when root starts the server."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from productops.local.accounts import can_enter, copy_readable, open_room, server_account, succeeds_as
from productops.local.places import Places
from productops.local.postgres import _belongs_here, _room

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives PostgreSQL a user of its own")


@pytest.mark.skipif(os.geteuid() == 0, reason="root is no ordinary user")
def test_an_ordinary_user_runs_postgresql_as_themselves() -> None:
    assert server_account() is None


@as_root
def test_root_gives_postgresql_a_user_that_is_not_root() -> None:
    account = server_account()
    assert account is not None
    assert account.uid != 0
    assert succeeds_as(account, ["/bin/sh", "-c", f'test "$(id -u)" = {account.uid}'])


@as_root
def test_a_folder_closed_to_others_is_seen_to_be_closed(tmp_path: Path) -> None:
    account = server_account()
    assert account is not None
    assert can_enter(account, Path("/"))
    (tmp_path / "closed").mkdir(mode=0o700)
    assert not can_enter(account, tmp_path / "closed")


@as_root
def test_data_of_a_closed_checkout_lives_outside_and_var_leads_there(tmp_path: Path) -> None:
    account = server_account()
    assert account is not None
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    where = Places(closed / "var")
    where.make()
    room = _room(account, where)
    try:
        assert where.postgres.is_symlink()
        assert where.postgres.resolve() == room
        assert room.stat().st_uid == account.uid
        assert can_enter(account, room)
        assert _room(account, where) == room
    finally:
        (room / "checkout").unlink()
        room.rmdir()
        open_room(where.var).rmdir()


def test_a_copied_checkout_does_not_share_the_data_of_the_one_it_was_copied_from(tmp_path: Path) -> None:
    room, original, copy = tmp_path / "room", tmp_path / "original", tmp_path / "copy"
    for folder in (room, original, copy):
        folder.mkdir()
    (room / "checkout").write_text(f"{original}\n")
    (original / "postgres").symlink_to(room)
    assert _belongs_here(room, original)
    assert not _belongs_here(room, copy)
    (original / "postgres").unlink()  # it was not copied but moved
    assert _belongs_here(room, copy)


def test_copied_binaries_can_be_read_by_everybody(tmp_path: Path) -> None:
    source = tmp_path / "package"
    (source / "bin").mkdir(parents=True)
    (source / "include").mkdir()
    program = source / "bin" / "postgres"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    (source / "share").write_text("")
    (source / "share").chmod(0o600)
    copy_readable(source, tmp_path / "copy")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]
    }
    assert modes == {"copy": 0o755, "bin": 0o755, "postgres": 0o755, "share": 0o644}
