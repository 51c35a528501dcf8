"""What an operator may set: environment variables with the prefix `ORDERS_`, secrets also from files."""

import base64
import os
import re
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from orders_service.mendable import Mendable
from orders_service.time_zones import zone_of
from pipelines import Retention, WiringError
from pipelines.journal import parse_url

PREFIX = "ORDERS_"
_SECRETS_DIR = PREFIX + "SECRETS_DIR"
DEVELOPMENT_KEY = "dev-key-for-your-own-machine-only"
DEVELOPMENT_SECRET = "whsec_" + base64.b64encode(b"for development, never outside").decode()
SHORTEST_ADMIN_KEY = 24
SHORTEST_SECRET_BYTES = 24
LONGEST_SECRET_BYTES = 64


class Profile(StrEnum):
    """Development brings stand-ins for warehouse and mail; production refuses them."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Role(StrEnum):
    """What a process does: serve requests, carry runs on, or both."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


class SettingsError(Mendable):
    """The settings do not fit; the message says which and why, one per line."""


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(ip_network(word) for word in value.replace(",", " ").split())


def _webhook_secrets(value: SecretStr) -> SecretStr:
    secrets = value.get_secret_value().split()
    if not secrets or not all(map(_is_webhook_secret, secrets)):
        raise ValueError("must be whsec_<base64 of 24 to 64 random bytes>, or two of them during a rotation")
    return value


def _is_webhook_secret(secret: str) -> bool:
    try:
        size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except ValueError:
        return False
    return secret.startswith("whsec_") and SHORTEST_SECRET_BYTES <= size <= LONGEST_SECRET_BYTES


def _database_url(value: SecretStr) -> SecretStr:
    try:
        url = parse_url(value.get_secret_value())
    except WiringError:
        url = None
    is_file = url is not None and url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    if not is_file and (url is None or url.get_backend_name() != "postgresql"):
        raise ValueError("must be sqlite:///<file> or postgresql://<user>@<host>/<database>")
    return value


def _broker_url(value: SecretStr) -> SecretStr:
    if not all(map(_is_broker, value.get_secret_value().split(";"))):  # as kombu has it, for servers that take over
        raise ValueError(
            "must be redis://<host>:6379/0 or amqp://<user>:<password>@<host>//, or with TLS rediss, amqps; "
            "in a password # is written %23, / is %2F and ? is %3F"
        )
    return value


def _is_broker(url: str) -> bool:
    parts = urlsplit(url)
    try:
        has_port = parts.port != 0
    except ValueError:  # it is no number
        return False
    is_known = parts.scheme in {"redis", "rediss", "amqp", "amqps"}
    has_database = not parts.scheme.startswith("redis") or re.fullmatch(r"/?|/\d+", parts.path) is not None
    is_whole = "@" not in f"{parts.path}{parts.query}{parts.fragment}"  # or a password has a # or a slash
    return is_known and bool(parts.hostname) and has_port and has_database and is_whole


def _time_zone(name: str) -> str:
    zone_of(name)
    return name


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or "@" in url:
        raise ValueError("must be https://<host>, with a path perhaps")
    return url.rstrip("/")


S = TypeVar("S", bound="Access")

Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
WebhookSecrets = Annotated[SecretStr, AfterValidator(_webhook_secrets)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker_url)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Access(BaseSettings):
    """Where the service is, and under which key: all that a command which speaks with it has to know."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    admin_key: SecretStr = SecretStr(DEVELOPMENT_KEY)
    api_url: WebAddress | None = None
    api_key: SecretStr | None = None

    @property
    def own_url(self) -> str:
        """Where this machine reaches this process."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class Settings(Access):
    """All settings, with their defaults for development on one machine."""

    profile: Profile = Profile.DEVELOPMENT
    role: Role = Role.ALL
    database_url: DatabaseUrl = SecretStr("sqlite:///var/orders.db")
    data_dir: Path = Path("var")
    database_connections: int = Field(default=16, ge=4, le=1000)
    worker_slots: int = Field(default=256, ge=1, le=10_000)
    lease_seconds: float = Field(default=15.0, ge=1.0, le=600.0)
    retention_days: int = Field(default=30, ge=1, le=36_500)
    fulfillment_url: str | None = None
    fulfillment_secret: WebhookSecrets = SecretStr(DEVELOPMENT_SECRET)
    fulfillment_timeout_seconds: float = Field(default=30.0, gt=0, le=300)
    crm_url: str | None = None
    crm_token: SecretStr | None = None
    session_hours: float = Field(default=168.0, gt=0, le=8784)
    egress_allow: Networks = ()
    trusted_proxies: Networks = ()
    smtp_url: SecretStr | None = None
    smtp_sender: str = "orders@example.com"
    celery_broker_url: BrokerUrl | None = None
    public_url: WebAddress | None = None
    time_zone: TimeZone = "UTC"
    report_email: EmailStr | None = None
    log_format: str = Field(default="auto", pattern="^(auto|json|text)$")
    commit: str = Field(default="unknown", pattern=r"^[\w.-]{1,64}$")

    @property
    def is_development(self) -> bool:
        return self.profile is Profile.DEVELOPMENT

    @property
    def warehouse_url(self) -> str:
        """Where fulfillment requests go: the stand-in inside this process unless set."""
        return self.fulfillment_url or f"{self.own_url}/sandbox/warehouse"

    @property
    def crm_base_url(self) -> str | None:
        """Where the CRM is: the stand-in inside this process in development, and nowhere in production, unless set."""
        return self.crm_url or (f"{self.own_url}/sandbox/crm" if self.is_development else None)

    @property
    def public_address(self) -> str:
        """Where people reach the service: what links in mails begin with."""
        return self.public_url or self.own_url

    @property
    def fulfillment_secrets(self) -> tuple[str, ...]:
        return tuple(self.fulfillment_secret.get_secret_value().split())

    @property
    def retention(self) -> Retention:
        """How long ended runs are kept; dead letters stay until somebody has looked at them."""
        kept = timedelta(days=self.retention_days)
        return Retention(completed=kept, rejected=kept, cancelled=kept)

    @property
    def allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Private addresses that outgoing calls may reach; in development this machine is one."""
        loopback = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")) if self.is_development else ()
        return (*self.egress_allow, *loopback)

    @model_validator(mode="after")
    def _development_stays_at_home(self) -> Self:
        if self.is_development and not _is_loopback(self.host):
            raise ValueError(
                f"the development profile has known secrets and serves loopback only, not {self.host}: "
                "set ORDERS_PROFILE=production"
            )
        return self

    @model_validator(mode="after")
    def _one_file_has_one_process(self) -> Self:
        if self.celery_broker_url is not None and not self.database_url.get_secret_value().startswith("postgres"):
            raise ValueError("ORDERS_CELERY_BROKER_URL needs PostgreSQL: a SQLite file has one process, and no fleet")
        return self

    @model_validator(mode="after")
    def _production_is_no_sandbox(self) -> Self:
        if self.is_development:
            return self
        defaults = {
            "ORDERS_ADMIN_KEY": self.admin_key.get_secret_value() == DEVELOPMENT_KEY,
            "ORDERS_FULFILLMENT_SECRET": self.fulfillment_secret.get_secret_value() == DEVELOPMENT_SECRET,
            "ORDERS_FULFILLMENT_URL": self.fulfillment_url is None,
            "ORDERS_SMTP_URL": self.smtp_url is None,
        }
        if len(self.admin_key.get_secret_value()) < SHORTEST_ADMIN_KEY:
            raise ValueError(f"ORDERS_ADMIN_KEY must have at least {SHORTEST_ADMIN_KEY} characters in production")
        if missing := [name for name, is_default in defaults.items() if is_default]:
            raise ValueError(
                f"the production profile has no stand-ins and no default secrets: set {', '.join(missing)}"
            )
        return self


def load() -> Settings:
    """Read the settings, from files in `ORDERS_SECRETS_DIR` too. Raises `SettingsError` in words for an operator."""
    return _read(Settings)


def load_access() -> Access:
    """The same for a command that speaks with the service: whoever has no server need not set one up."""
    return _read(Access)


def _read(kind: type[S]) -> S:
    secrets_dir = os.environ.get(_SECRETS_DIR) or None
    ours = [name for name in (*os.environ, *_files_in(secrets_dir)) if name.upper().startswith(PREFIX)]
    known = {PREFIX + field.upper() for field in Settings.model_fields} | {_SECRETS_DIR}
    if unknown := sorted(name for name in ours if name.upper() not in known):
        raise SettingsError("\n".join(f"{name}: there is no such setting" for name in unknown))
    try:
        return kind(_secrets_dir=secrets_dir)
    except ValidationError as error:
        raise SettingsError("\n".join(_line(problem) for problem in error.errors())) from None


def _files_in(secrets_dir: str | None) -> list[str]:
    try:
        return [file.name for file in Path(secrets_dir).iterdir()] if secrets_dir is not None else []
    except OSError as error:
        raise SettingsError(f"{_SECRETS_DIR}: {secrets_dir} cannot be read: {error.strerror}") from None


def _line(problem: object) -> str:
    """One problem, without the value, which may be a secret."""
    assert isinstance(problem, dict)  # noqa: S101 - pydantic's error details are dictionaries
    where = "_".join(str(part) for part in problem["loc"]).upper()
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{where}: {message}" if where else message


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
