"""Typed readers for environment variables: each fails loudly, naming the variable and what it wants.

Holds no setting itself; `settings.py` asks, and `docs/operations.md` has a row for every name asked for (tested).
"""

import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def read_text(name: str, default: str) -> str:
    """The text of a variable; empty counts as not set."""
    return os.environ.get(name) or default


def read_flag(name: str, default: bool) -> bool:
    """A yes or no: 1 true yes on, 0 false no off."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.lower() in TRUE:
        return True
    if raw.lower() in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r}: expected one of 1, 0, true, false, yes, no, on, off.")


def read_number(name: str, default: int, *, least: int, most: int) -> int:
    """A whole number within [least, most]."""
    raw = os.environ.get(name) or str(default)
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r}: expected a whole number.") from None
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={value}: expected {least} to {most}.")
    return value


def read_choice(name: str, default: str, *, of: Sequence[str]) -> str:
    """One of the given words."""
    value = os.environ.get(name) or default
    if value not in of:
        raise ImproperlyConfigured(f"{name}={value!r}: expected one of {', '.join(of)}.")
    return value


def read_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """Words separated by commas."""
    raw = os.environ.get(name)
    return [word.strip() for word in raw.split(",") if word.strip()] if raw else list(default)


def read_secret(name: str) -> str | None:
    """A secret, from the variable or from the file that NAME_FILE names; None where neither is set."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name) or None
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path!r}: {error.strerror}.") from None


def read_redis_url(name: str) -> str | None:
    """The address of a Redis; a secret, since it may hold a password, of which nothing is repeated."""
    url = read_secret(name)
    if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"{name}: expected redis://host:6379/0, rediss://… or unix://….")
    return url


def kept_secret(path: Path, *, size: int = 48) -> str:
    """The secret in a file that only its owner can read, made at the first call. Safe with several processes starting.

    :raises ImproperlyConfigured: where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(secrets.token_urlsafe(size))
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(draft, path)  # fails where another process was first: then its secret counts
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}. GRIDGOV_DATA must be a folder we may write to.") from None


def own_addresses() -> list[str]:
    """Names and addresses by which others in the same network reach this machine. Sends nothing."""
    names = {"localhost", "127.0.0.1", "[::1]", socket.gethostname()}
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # a documentation address: only picks the outgoing interface
            names.add(probe.getsockname()[0])
    except OSError:
        pass  # no network: then nobody else reaches us anyway
    return sorted(names)
