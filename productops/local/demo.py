"""The generated workspace: loaded where it is missing, kept alive afterwards, and the way in to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from productops.local.access import ACCESS, access_of, at_address, env_text, parse_env, status_of
from productops.local.places import Places, write_whole
from productops.local.programs import run_manage
from productops.local.supervisor import Supervisor
from productops.local.telling import Telling, tell

# A workspace of somebody's own is no reason to leave them without a demo and without a way in.
HAS_DEMO = (
    "from productops.workspaces.models import Workspace; print(Workspace.objects.filter(key='demo').exists())"
)
_REFUSED = (401, 403)


@dataclass
class Demo:
    """What `script/server` does about the demo once the web server answers."""

    where: Places
    supervisor: Supervisor
    environ: Mapping[str, str]
    say: Telling
    port: int
    url: str

    def settle(self, servers: Mapping[str, str]) -> dict[str, str]:
        """Loads the demo when it is missing, writes `var/local.env`, answers the way in (or `{}`)."""
        access = at_address(self._access(), self.url)
        write_whole(self.where.env_file, env_text(self.url, access, servers))
        return access

    def top_up(self) -> None:
        """Posts the days since the last start, so that the demo looks lived in."""
        log = self.where.log / "demo.log"
        if run_manage(self.supervisor, self.environ, "top_up_demo", log=log) != 0:
            self.say(f"Topping up the demo failed: see {log}")

    def _access(self) -> dict[str, str]:
        kept = self._kept()
        if kept:
            return kept
        # What is in it leads nowhere: nobody who waits for the file should be given that.
        self.where.env_file.unlink(missing_ok=True)
        unfinished = self.where.demo_unfinished_file
        if unfinished.exists() or not self._has_demo():
            unfinished.touch()
            self.say("Loading the demo: a generated workspace, posted through the webhook")
            access = self._ask("load_demo")
            if access:
                unfinished.unlink(missing_ok=True)
                self.say("The demo is loaded")
                return access
            self.say("Loading the demo failed; the server runs without it. The next start tries again")
            return {}
        access = self._ask("demo_access")
        if not access:
            self.say("There is no demo workspace to log in to")
        return access

    def _kept(self) -> dict[str, str]:
        """The way in of an earlier start, unless the database behind it was replaced meanwhile."""
        if not self.where.env_file.exists():
            return {}
        access = access_of(self.where.env_file.read_text())
        if not access:
            return {}
        status = status_of(self.port, "/api/v1/workspace/", access["PRODUCTOPS_API_KEY"])
        return {} if status in _REFUSED else access

    def _has_demo(self) -> bool:
        output = Output()
        arguments = ("shell", "--no-imports", "--verbosity=0", "-c", HAS_DEMO)
        run_manage(self.supervisor, self.environ, *arguments, take=output)
        return "True" in output.text()

    def _ask(self, command: str) -> dict[str, str]:
        output = Output(relay=True)
        code = run_manage(self.supervisor, self.environ, command, take=output)
        return access_of(output.text()) if code == 0 else {}


@dataclass
class Output:
    """Collects what a command prints and, if asked, shows its progress, but not the secrets at its end."""

    relay: bool = False
    _parts: list[bytes] = field(default_factory=list)
    _line: bytes = b""

    def __call__(self, part: bytes) -> None:
        self._parts.append(part)
        *lines, self._line = (self._line + part).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if self.relay and not parse_env(text).keys() & set(ACCESS):
                tell(text)

    def text(self) -> str:
        return b"".join(self._parts).decode(errors="replace")
