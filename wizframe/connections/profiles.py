"""Where to connect: profiles in the user's configuration file, the environment, else production."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wizframe.errors import ConfigurationError
from wizframe.text import option

__all__ = ["PRODUCTION_URL", "Profile", "address", "config_path", "profile_names", "read_profile", "setting"]

PRODUCTION_URL = "https://api.wizcommerce.com/v1"


def setting(name: str) -> str:
    """Read the environment. IPython's verbose tracebacks show what a failing statement names, and all of it."""
    return os.environ.get(name, "")


@dataclass(frozen=True)
class Profile:
    """One ``[profiles.NAME]`` of the configuration file; never a key."""

    base_url: str | None = None
    dialect: Literal["auto", "rest", "sdk"] = "auto"
    rate: float | None = None
    account: str = ""


def address(base_url: str | None, chosen: Profile) -> str:
    """Choose where to go: a profile is asked for by name, and its key must not go to another address."""
    return base_url or chosen.base_url or setting("WIZCOMMERCE_BASE_URL") or PRODUCTION_URL


def config_path() -> Path:
    """Tell where the configuration file is, or would be."""
    import platformdirs  # noqa: PLC0415 - only where a profile is asked for

    return Path(platformdirs.user_config_dir("wizframe", appauthor=False)) / "config.toml"


def profile_names() -> list[str]:
    """List the profiles of the configuration file; without a file there are none."""
    return list(_read_profiles(config_path())) if config_path().exists() else []


def _read_profiles(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8")).get("profiles", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not a valid TOML file: {error}") from None
    return found


def read_profile(name: str | None) -> Profile:
    """Read a profile by its name; without a name, the empty one."""
    if name is None:
        return Profile()
    path = config_path()
    try:
        profiles = _read_profiles(path)
    except FileNotFoundError:
        raise ConfigurationError(f"there is no {option('profile', name)}: the file {path} does not exist") from None
    if name not in profiles:
        raise ConfigurationError(f"{path} has no [profiles.{name}]; it has {', '.join(profiles) or 'none'}")
    unknown = sorted(profiles[name].keys() - Profile.__dataclass_fields__.keys())
    if unknown:
        del profiles  # among them may be a key, put there by mistake: a traceback may print local variables
        allowed = ", ".join(Profile.__dataclass_fields__)
        raise ConfigurationError(f"[profiles.{name}] in {path}: {unknown} are unknown, allowed are {allowed}")
    return Profile(**profiles[name])
