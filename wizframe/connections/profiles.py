"""The address to connect to: from a profile in the configuration file or from the environment."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from wizframe.arguments import TEXT, Kind, number, one_of, shown, violations, without_key
from wizframe.errors import ConfigurationError
from wizframe.text import plural

__all__ = ["PRODUCTION_URL", "Profile", "address", "config_path", "profile_names", "read_profile", "setting"]

# The base URL of production [R].
PRODUCTION_URL = "https://api.wizcommerce.com/v1"


def setting(name: str) -> str:
    """Return a variable of the environment. A function, because IPython's tracebacks show all of ``os.environ``."""
    return os.environ.get(name, "")


@dataclass(frozen=True)
class Profile:
    """One ``[profiles.NAME]`` of the configuration file. It never contains an API key."""

    base_url: str | None = None
    dialect: Literal["auto", "rest", "sdk"] = "auto"
    rate: float | None = None
    account: str = ""


_KEYS = [field.name for field in fields(Profile)]
_KINDS = {
    "base_url": TEXT,
    "dialect": one_of("auto", "rest", "sdk"),
    "rate": number(0, 10**6, above=True),
    "account": Kind("strings that can be printed", lambda value: TEXT.fits(value) and value.isprintable()),
}


def address(base_url: str | None, chosen: Profile) -> str:
    """Return the base URL. A profile's URL comes before the environment's, because its key must not go elsewhere.

    An empty one does not mean production: it may be a variable that a script failed to set.
    """
    named = {"base_url": base_url, "base_url of the profile": chosen.base_url}
    named["WIZCOMMERCE_BASE_URL"] = os.environ.get("WIZCOMMERCE_BASE_URL")
    name, url = next(((name, url) for name, url in named.items() if url is not None), ("", PRODUCTION_URL))
    if not url.strip():
        raise ConfigurationError(f"{name} is empty", hint=f"Give an address such as {PRODUCTION_URL}, or remove it.")
    return url


def config_path() -> Path:
    """Return the path of the configuration file, which may not exist."""
    import platformdirs  # noqa: PLC0415 - most connections use no profile

    return Path(platformdirs.user_config_dir("wizframe", appauthor=False)) / "config.toml"


def profile_names() -> list[str]:
    """List the profiles of the configuration file."""
    return list(_read_profiles(config_path()) or {})


def read_profile(name: str | None) -> Profile:
    """Read a profile; without a name, return the empty one."""
    if name is None:
        return Profile()
    path = config_path()
    profiles = _read_profiles(path)
    if profiles is None:
        raise ConfigurationError(f"{shown('profile', name)} was not found: the file {path} does not exist")
    if name not in profiles:
        known = ", ".join(map(without_key, profiles)) or "none"
        del profiles  # a traceback may show local variables, and the file may contain an API key by mistake
        raise ConfigurationError(f"{path} has no section [profiles.{without_key(name)}] (profiles: {known})")
    values = profiles.pop(name)
    wrong = _violations(values)
    if wrong:
        del profiles, values
        raise ConfigurationError(f"[profiles.{without_key(name)}] in {path}: {wrong}")
    return Profile(**values)


def _violations(values: Any) -> str:
    """Describe the errors of a profile; empty if there are none."""
    if not isinstance(values, dict):
        return f"it is not a table, but of type {type(values).__name__}: write its keys below its name"
    unknown = [name for name in values if name not in _KEYS]
    if not unknown:
        return violations(_KINDS, values)
    close = [one for name in unknown for one in difflib.get_close_matches(name, _KEYS, n=1)]
    suggestion = f"; did you mean {', '.join(close)}?" if close else ""
    settings = f"{plural(len(unknown), 'setting')} {', '.join(map(without_key, unknown))}"
    return f"unknown {settings} (allowed: {', '.join(_KEYS)}{suggestion})"


def _read_profiles(path: Path) -> dict[str, Any] | None:
    """Read the table ``profiles``; None if the file does not exist."""
    problem = ""
    try:
        found: Any = tomllib.loads(path.read_text("utf-8-sig")).get("profiles", {})
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"cannot be read: {'it is a folder' if path.is_dir() else (error.strerror or error)}"
    except RecursionError:
        problem = "is not a valid TOML file: it is nested too deeply"
    except (ValueError, UnicodeDecodeError) as error:
        # The message names the line; the part of the file that it may quote is not shown.
        line = str(error)[str(error).rfind("(at ") :] if "(at " in str(error) else ""
        problem = f"is not a valid TOML file {line or '(it is not in UTF-8, or has a number that is too large)'}"
    if problem:  # raised here, because the frames of the parser hold the whole file
        raise ConfigurationError(f"the configuration file {path} {problem.rstrip()}")
    if not isinstance(found, dict):
        kind = type(found).__name__
        del found
        raise ConfigurationError(
            f"the configuration file {path} has a value of type {kind} in the place of the table profiles",
            hint="Write one table [profiles.NAME] for each profile.",
        )
    return found
