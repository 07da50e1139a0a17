"""How one installation runs: settings ``BIHUAN_…``, each with its help and unit."""

from __future__ import annotations

import os
import re
import secrets
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bihuan.errors import RefusedError, UsageError

Network = IPv4Network | IPv6Network
_CONTACT = re.compile(r"(mailto:|https://|tel:)[!-~]+")
"""How RFC 9116 lets somebody be reached: one address, no blanks."""
_SECRET_FILE = "secret.key"  # noqa: S105 - a file name


class Settings(BaseSettings):
    """Every setting. Durations are in the unit their name ends in."""

    model_config = SettingsConfigDict(env_prefix="BIHUAN_", extra="ignore", frozen=True)

    data_dir: Path = Field(Path("var"), description="Folder of the embedded database, the secret and the logs.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data folder.")
    environment: Literal["development", "production"] = Field(
        "development", description="production refuses to step the clock (`bihuan run --at`)."
    )
    policy_dir: Path | None = Field(None, description="Folder of policy files laid over the shipped defaults.")
    timezone: str = Field("Asia/Shanghai", description="Zone of the installation: complaint numbers, daily counts.")
    language: Literal["zh", "en"] = Field("zh", description="Language of messages and pages where a reader has none.")
    secret: SecretStr = Field(SecretStr(""), description="Seals contact URLs and signs forms; empty: a generated file.")
    mail_url: SecretStr = Field(
        SecretStr(""),
        description="Apprise mailto:// or mailtos:// URL of the account that sends to plain addresses (`mailto:a@b`).",
    )
    operator_url: SecretStr = Field(
        SecretStr(""),
        description="Apprise URL that hears of notices nobody else can be told, and of sweeps that have stopped.",
    )
    web_url: str = Field("http://127.0.0.1:8700", description="Address of the web page, for links in messages.")
    web_host: str = Field(
        "127.0.0.1", description="Address the web page listens on; beyond loopback only with sign-in."
    )
    web_port: int = Field(8700, ge=1, le=65535, description="Port of the web page.")
    sign_in: Literal["off", "link", "proxy"] = Field(
        "off",
        description="off: whoever reaches the page may do everything; link: a link over one's own channel; "
        "proxy: whom a trusted proxy names.",
    )
    sign_in_hours: int = Field(12, ge=1, le=720, description="How long a sign-in lasts, hours.")
    sign_in_header: str = Field(
        "X-Forwarded-User", min_length=1, description="Header in which a trusted proxy names the staff code."
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1", description="Addresses or networks of proxies whose headers are believed, comma separated."
    )
    security_contact: str = Field(
        "", description="Whom to tell of a hole in security, a mailto:, https: or tel: address; in security.txt."
    )
    prefect_port: int = Field(4200, ge=1, le=65535, description="Port of the local Prefect server, on loopback.")
    allow_private_targets: bool = Field(False, description="Allow messages to loopback and private network addresses.")
    allowed_schemes: str = Field(
        "mailto,mailtos,json,jsons,form,forms,xml,xmls,wecombot,dingtalk,feishu,lark,slack,workflow,workflows,tgram,"
        "sms,smss,twilio",
        description="Apprise URL schemes that may be used, comma separated.",
    )
    send_per_minute: int = Field(20, ge=1, description="Most messages one target gets in any minute; the rest wait.")
    send_timeout_seconds: int = Field(15, ge=1, le=120, description="Longest wait for one target's answer.")
    lease_seconds: int = Field(300, ge=10, description="How long a claimed batch belongs to its worker.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    log_format: Literal["text", "json"] = Field("text", description="Form of a log line on standard error.")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        networks(value)
        return value

    @field_validator("security_contact")
    @classmethod
    def _is_a_way_to_reach_somebody(cls, value: str) -> str:
        if value and not _CONTACT.fullmatch(value):
            raise ValueError("is no address such as mailto:security@example.com or https://example.com/report")
        return value

    def listening_host(self) -> str:
        """The address on which the pages listen.

        Raises:
            RefusedError: It lies beyond loopback, and nobody is asked who they are.
        """
        if self.sign_in == "off" and not is_loopback(self.web_host):
            raise RefusedError(
                f"BIHUAN_WEB_HOST={self.web_host} would let everyone who reaches it do everything: sign-in is off",
                cure="set BIHUAN_SIGN_IN to link or proxy (docs/sign-in.md), or leave BIHUAN_WEB_HOST at 127.0.0.1",
            )
        return self.web_host

    def reached_at(self) -> str:
        """The address at which this machine itself reaches the pages."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.web_host, self.web_host)  # noqa: S104 - nothing is bound

    def schemes(self) -> frozenset[str]:
        """The URL schemes that may be used, in small letters."""
        return frozenset(scheme.strip().lower() for scheme in self.allowed_schemes.split(","))

    def database(self) -> str:
        """The database's URL: the one set, else SQLite in the data folder."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'bihuan.db').resolve()}"

    def secret_value(self) -> str:
        """The secret set, else one kept in the data folder, made at first use and readable by its owner only."""
        if value := self.secret.get_secret_value():
            return value
        file = self.data_dir / _SECRET_FILE
        if not file.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            try:
                with file.open("x", encoding="ascii") as handle:
                    file.chmod(0o600)
                    handle.write(secrets.token_urlsafe(32))
            except FileExistsError:
                pass
        return file.read_text(encoding="ascii").strip()


def networks(text: str) -> tuple[Network, ...]:
    """The networks in a list separated by commas; an address is a network of one.

    Raises:
        ValueError: One of them is neither.
    """
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host, as far as its name says."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def settings_file(data_dir: Path) -> Path:
    """Where an installation may keep its settings, ``NAME=value`` a line; the environment wins over it."""
    return data_dir / "bihuan.env"


@cache
def settings() -> Settings:
    """The installation's settings, read once: from the environment, else from the file in the data folder.

    Raises:
        UsageError: A setting has a value it cannot have, or the file cannot be read.
    """
    file = settings_file(Path(os.environ.get("BIHUAN_DATA_DIR") or "var"))
    try:
        return Settings(_env_file=file if file.exists() else None)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}", cure="check who owns it; it is plain text in UTF-8") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "BIHUAN_" + "_".join(str(part) for part in first["loc"]).upper()
        raise UsageError(f"{name}: {first['msg']}", cure="see docs/operate.md for its values") from error
