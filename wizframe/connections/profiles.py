"""The address to connect to: from a profile in the configuration file or from the environment."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wizframe.errors import ConfigurationError
from wizframe.text import option, plural

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


def address(base_url: str | None, chosen: Profile) -> str:
    """Return the base URL. A profile's URL comes before the environment's, because its key must not go elsewhere."""
    return base_url or chosen.base_url or setting("WIZCOMMERCE_BASE_URL") or PRODUCTION_URL


def config_path() -> Path:
    """Return the path of the configuration file, which may not exist."""
    import platformdirs  # noqa: PLC0415 - most connections use no profile

    return Path(platformdirs.user_config_dir("wizframe", appauthor=False)) / "config.toml"


def profile_names() -> list[str]:
    """List the profiles of the configuration file."""
    return list(_read_profiles(config_path())) if config_path().exists() else []


def _read_profiles(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8")).get("profiles", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not a valid TOML file: {error}") from None
    return found


def read_profile(name: str | None) -> Profile:
    """Read a profile; without a name, return the empty one."""
    if name is None:
        return Profile()
    path = config_path()
    try:
        profiles = _read_profiles(path)
    except FileNotFoundError:
        raise ConfigurationError(f"{option('profile', name)} was not found: the file {path} does not exist") from None
    if name not in profiles:
        raise ConfigurationError(f"{path} has no section [profiles.{name}] (profiles: {', '.join(profiles) or 'none'})")
    unknown = sorted(profiles[name].keys() - Profile.__dataclass_fields__.keys())
    if unknown:
        del profiles  # a traceback may show local variables, and the file may contain an API key by mistake
        allowed = ", ".join(Profile.__dataclass_fields__)
        settings = f"{plural(len(unknown), 'setting')} {', '.join(unknown)}"
        raise ConfigurationError(f"[profiles.{name}] in {path}: unknown {settings} (allowed: {allowed})")
    return Profile(**profiles[name])
