"""Every setting, named once: read from the environment (TOCSIN_...) and one TOML file into a frozen value that is passed on."""

import os
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import make_url

from notify import setting_conflicts
from notify.alerts.alert import Mode
from notify.identity.claims import Terms
from notify.partners.address import Rules, rules
from notify.received import sources
from notify.setting_values import SenderSetting, senders

PREFIX = "TOCSIN_"
CLIENT_VARIABLES = {"TOCSIN_CONFIG", "TOCSIN_URL", "TOCSIN_TOKEN"}  # read by the command line, not by the service


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds one sentence for each thing wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """Durations are in seconds, rates in segments (SMS) or messages (e-mail) per second."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    mode: Mode = Field(Mode.TRAINING, description="live, training or demo; fixed while the service runs")
    city: str = Field("portland", description="name of a folder in city/, or a path to one")
    data_dir: Path = Field(Path("var"), description="where the database, keys and published files lie")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in data_dir")
    public_url: str = Field("http://127.0.0.1:8080", description="how the world reaches pages, feeds and callbacks")
    public_host: str = Field("127.0.0.1", description="address the public listener binds")
    public_port: int = Field(8080, ge=0, le=65535, description="port of the public listener; 0 takes a free one")
    private_host: str = Field("127.0.0.1", description="address the API listener binds")
    private_port: int = Field(8081, ge=0, le=65535, description="port of the API listener; 0 takes a free one")
    floor_host: str = Field(
        "127.0.0.1",
        description="address where other processes of the instance reach this one while it has 311's line; on several machines "
        "this machine's own in the private network",
    )
    private_url: str = Field("http://127.0.0.1:8081", description="how staff reach the console")
    twilio_account_sid: str = Field("", description="Twilio account; empty: no SMS lane")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="Twilio auth token; also signs status reports")
    twilio_url: str = Field("https://api.twilio.com", description="base URL of the Twilio API, or of the simulator")
    lookups_url: str = Field("https://lookups.twilio.com", description="base URL of Twilio's Lookup API, or of the simulator")
    messaging_url: str = Field(
        "https://messaging.twilio.com", description="base URL of Twilio's Messaging API, or of the simulator"
    )
    sms_senders: Annotated[tuple[SenderSetting, ...], NoDecode] = Field(
        (), description='numbers with their rates: "+15035550100=100,+15035550101=20 urgent"'
    )
    twilio2_account_sid: str = Field(
        "", description="a second account for texts, which carries when the first does not; empty: none"
    )
    twilio2_auth_token: SecretStr = Field(SecretStr(""), description="its auth token; also signs its status reports")
    twilio2_url: str = Field("https://api.twilio.com", description="base URL of its API, or of the simulator")
    sms2_senders: Annotated[tuple[SenderSetting, ...], NoDecode] = Field((), description="its numbers, as in sms_senders")
    gateway_file: Path | None = Field(None, description="TOML file of a further gateway for texts: docs/gateway.md")
    gateway_secret: SecretStr = Field(SecretStr(""), description="what its headers name {secret}")
    gateway_report_key: SecretStr = Field(SecretStr(""), description="what its reports and residents' texts are signed with")
    sms_window: int = Field(200, ge=1, description="most texts of one sender whose outcome is open: bounds duplicates")
    sms_connections: int = Field(200, ge=1, description="most HTTP connections to Twilio")
    sms_timeout_s: float = Field(10, gt=0, description="longest wait for Twilio's answer, seconds")
    smtp_host: str = Field("", description="mail relay; empty: no e-mail lane")
    smtp_port: int = Field(25, ge=1, le=65535, description="port of the mail relay")
    smtp_security: Literal["none", "starttls", "tls"] = Field("starttls", description="how the relay is reached")
    smtp_username: str = Field("", description="relay account; empty: no authentication")
    smtp_password: SecretStr = Field(SecretStr(""), description="relay password")
    smtp2_host: str = Field("", description="a second mail relay, which carries when the first does not; empty: none")
    smtp2_port: int = Field(25, ge=1, le=65535, description="its port")
    smtp2_security: Literal["none", "starttls", "tls"] = Field("starttls", description="how it is reached")
    smtp2_username: str = Field("", description="its account; empty: no authentication")
    smtp2_password: SecretStr = Field(SecretStr(""), description="its password")
    smtp_instead: bool = Field(True, description="whoever a text does not reach, and who has a mailbox too, gets the e-mail")
    smtp_rate: float = Field(0, ge=0, description="mails per second; 0: as fast as the relay takes them")
    smtp_connections: int = Field(20, ge=1, description="kept connections to the relay")
    smtp_window: int = Field(400, ge=1, description="most mails whose outcome is open: bounds duplicates")
    smtp_timeout_s: float = Field(30, gt=0, description="longest wait for the relay's answer, seconds")
    smtp_relay_signs_dkim: bool = Field(False, description="true when the relay itself adds DKIM signatures")
    dkim_selector: str = Field("", description="DKIM selector; with dkim_key_file we sign ourselves")
    dkim_key_file: Path | None = Field(None, description="PEM private key for DKIM, RSA-2048 or Ed25519")
    lease_s: float = Field(8, gt=0, description="a dead sender's rows are free again after this, seconds")
    lead_s: float = Field(2, gt=0, description="how far ahead of its pace a sender leases rows, seconds")
    publish_wait_s: float = Field(5, ge=0, description="longest that texts wait for page and feeds, seconds")
    not_found_after_s: float = Field(60, ge=0, description="provider's 'not found' counts after this, seconds")
    countdown_s: float | None = Field(None, ge=0, description="overrides the policy's countdown, seconds")
    page_command: tuple[str, ...] = Field((), description="command that pages the duty officer; the text is its stdin")
    approval_next_s: float = Field(180, gt=0, description="an alert that waits: the next approver is paged after this, seconds")
    approval_again_s: float = Field(600, gt=0, description="and everybody anew, when all have been, after this, seconds")
    surge_reminder_h: float = Field(
        12, ge=0, description="the duty officer is reminded so often of a surge that is left on; 0: never"
    )
    signup_texts_a_day: int = Field(2000, ge=0, description="most sign-up codes by text a day, all together; alerts are apart")
    signup_mails_a_day: int = Field(20000, ge=0, description="most sign-up mails a day, all together; alerts are apart")
    signup_asks_carrier: bool = Field(
        False, description="true: each number signed up with is looked up once in 90 days, for money, and landlines are told so"
    )
    signup_proxies: int = Field(0, ge=0, description="proxies of ours before the public listener that add to X-Forwarded-For")
    drill_due_days: int = Field(31, ge=1, description="an approver who has not drilled for so long is shown as overdue, days")
    drill_refuse_days: int = Field(
        0, ge=0, description="and for so long: may not approve while another one who has drilled could; 0: nobody is refused"
    )
    drill_key: str = Field("", description="public key of the training instance, whose certificates of drills count here")
    mirror_folder: Path | None = Field(None, description="a second place for everything published: a folder, which must exist")
    mirror_s3_url: str = Field("", description="or a bucket of an S3-compatible store: https://s3.example.gov/alerts")
    mirror_s3_region: str = Field("us-east-1", description="region that requests to the bucket are signed for")
    mirror_s3_key_id: str = Field("", description="access key of the bucket")
    mirror_s3_secret: SecretStr = Field(SecretStr(""), description="secret key of the bucket")
    keep_texts_days: int = Field(1095, ge=0, description="words of texts with residents are erased after this; 0: never")
    keep_stopped_days: int = Field(
        1095, ge=0, description="addresses and places of whoever has opted out are erased after this; 0: never"
    )
    egress_inside: str = Field(
        "",
        description="inner networks that webhooks, WebSub and sources may reach: 10.20.0.0/24,fd00:1::/64; empty: none",
    )
    egress_ports: str = Field(
        "443,8443", description="ports that webhooks, WebSub and sources may reach on the public internet"
    )
    oidc_issuer: str = Field(
        "", description="the city's identity provider, letter for letter as it names itself: docs/sign-in.md; empty: none"
    )
    oidc_client_id: str = Field("", description="what this console is called there")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="its secret there; empty: it has none, PKCE alone")
    oidc_name: str = Field("City account", description="what the button at the door calls it")
    oidc_scope: str = Field("openid", description="what is asked for, with spaces between; 'openid' among it")
    oidc_require: str = Field(
        "", description="a claim and what it must be or hold to come in: groups=tocsin; empty: whoever is linked to an account"
    )
    oidc_acr: str = Field(
        "", description="ways of signing in there, with spaces between, one of which 'acr' must be; empty: any"
    )
    oidc_amr: str = Field("", description="means, with spaces between, one of which 'amr' must hold: mfa; empty: any")
    oidc_proves: bool = Field(
        True,
        description="true: signing in there anew shows before an approval who sits there; false: one's own code or passkey",
    )
    cap_sources: tuple[sources.Source, ...] = Field(
        (), description="other agencies whose alerts are shown: [[cap_sources]] tables of the file, or JSON; see docs/cap.md"
    )
    dns_server: str = Field(
        "", description="name server that 'doctor --live' asks, host or host:port; empty: the machine's own"
    )
    backup_dir: Path | None = Field(None, description="folder of nightly backups; 'doctor --live' looks at the newest")
    snapshot_dir: Path | None = Field(None, description="folder of sealed snapshots; 'doctor --live' looks at the newest")
    snapshot_key: str = Field("", description="public key that snapshots are sealed to, as 'tocsin snapshot key' shows it")
    reserve_mb: int = Field(
        64, ge=0, description="MB of the disk kept free for the day it is full, at most a sixteenth of it; 0: none"
    )
    seed_report_s: float = Field(600, gt=0, description="a seed phone or mailbox that is silent for so long raises the alarm")
    replay_from: datetime | None = Field(None, description="demo only: the clock begins at this moment of another day")
    replay_speed: float = Field(1, gt=0, le=1000, description="demo only: and runs so many times as fast")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level that is logged")

    @model_validator(mode="before")
    @classmethod
    def _read_senders(cls, values: Any) -> Any:
        for name in ("sms_senders", "sms2_senders"):
            if isinstance(values, dict) and isinstance(values.get(name), str):
                values = values | {name: senders(name, values[name])}
        return values

    @model_validator(mode="after")
    def _fits_mode(self) -> Self:
        problems = list(setting_conflicts.problems(self))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'tocsin.db').absolute()}"

    @property
    def embedded(self) -> Path | None:
        """The file of the embedded database; None where it is another."""
        url = make_url(self.database)
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    @property
    def keys_file(self) -> Path:
        return self.data_dir / "keys.toml"

    @property
    def published(self) -> Path:
        return self.data_dir / "public"

    @property
    def egress(self) -> Rules:
        """Where requests to addresses that somebody typed may go."""
        return rules(self.mode, self.egress_inside, self.egress_ports)

    @property
    def oidc(self) -> Terms | None:
        """What the city has agreed with its identity provider; None where it has none."""
        if not self.oidc_issuer:
            return None
        claim, _, value = self.oidc_require.partition("=")
        return Terms(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            required=(claim, value) if claim else None,
            acr=tuple(self.oidc_acr.split()),
            amr=tuple(self.oidc_amr.split()),
            proves=self.oidc_proves,
        )

    @property
    def sends_drafts(self) -> bool:
        """Whether words no native reviewer has signed may go out: never to real people."""
        return self.mode is not Mode.LIVE

    @property
    def mails_instead(self) -> bool:
        """Whether e-mail stands in for texts that fail for good."""
        return self.smtp_instead and bool(self.smtp_host)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_s)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get("TOCSIN_CONFIG")
        if file and not Path(file).is_file():  # the source would take it for an empty one
            raise FileNotFoundError(f"{file} is not there.")
        toml = (TomlConfigSettingsSource(settings_cls, Path(file)),) if file else ()
        return (init_settings, env_settings, *toml)


def load(**given: Any) -> Settings:
    """Settings from arguments, environment and the TOML file TOCSIN_CONFIG names. Raises SettingsError with every problem."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | CLIENT_VARIABLES
    problems = [
        f"{name} is not a setting; see docs/settings.md"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known
    ]
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += [line for detail in error.errors() for line in _sentence(detail["loc"], detail["msg"]).splitlines()]
    except (tomllib.TOMLDecodeError, FileNotFoundError) as error:
        problems.append(f"TOCSIN_CONFIG: {error}")
    if problems:
        raise SettingsError(problems)
    return settings


def table() -> str:
    """The settings as a Markdown table: name, default, meaning. docs/settings.md is this, and a test says so."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        value = field.default
        shown = value.get_secret_value() if isinstance(value, SecretStr) else value
        text = "" if shown in ("", (), None) else f"`{shown}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {text} | {field.description} |")
    return "\n".join(lines) + "\n"


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in place)
    text = message.removeprefix("Value error, ")
    if not name:
        return text
    return f"{PREFIX}{name.upper()}: {text}"
