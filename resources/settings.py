"""The one reader of the platform's settings: environment variables with the prefix `PLATFORM_`.

What an environment (demo, laptop, s3) presets stands in `resources.environments`; a value given here wins.
No other module reads `PLATFORM_` variables. (Credentials of a store come from the AWS variables, which its clients
read themselves, and a source's place may name a variable with `{env:NAME}`.)
"""

import difflib
import os
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from platform_assets.domain.errors import ConfigurationError
from resources.environments import ENVIRONMENTS, Environment

PREFIX = "PLATFORM_"
MINIMUM_KEY_LENGTH = 16
JOBLIB_BACKENDS = ("loky", "threading", "dask", "spark")


class Settings(BaseSettings):
    """Everything that steers the platform. Every field is read from `PLATFORM_<FIELD>`; places are made absolute."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    environment: str = Field(
        default="demo", description="Which row of the environments table applies: demo, laptop or s3."
    )
    home: Path = Field(
        default=Path(".platform"), description="The folder that holds everything the platform keeps locally."
    )
    lake: str = Field(default="", description="Folder or s3:// address of the Delta tables. Default: <home>/lake.")
    landing_zone: str = Field(
        default="", description="Folder or s3:// address of landed files. Default: <home>/landing."
    )
    pictures: str = Field(default="", description="Folder or s3:// address of pictures. Default: <home>/pictures.")
    log_bucket: str = Field(
        default="", description="S3 bucket of the steps' output in the environment s3, read by dagster.s3.yaml."
    )
    mlflow_uri: str = Field(
        default="", description="MLflow tracking address. Default: a sqlite file below <home>/mlflow."
    )
    sources_file: Path = Field(default=Path("config/sources.yaml"), description="The declared sources.")
    categories_file: Path = Field(
        default=Path("config/categories.yaml"), description="The declared domain → category maps."
    )
    audiences_file: Path = Field(default=Path("config/audiences.yaml"), description="The declared audiences.")
    alerts_file: Path = Field(default=Path("config/alerts.yaml"), description="Who is told when something fails.")
    ui_url: str = Field(default="http://127.0.0.1:3000", description="Address of the Dagster UI, to which alerts link.")
    conversion: str = Field(
        default="purchase",
        description="What reports on audiences count as a conversion: an event type, or a path such as /thanks/*.",
    )
    pseudonym_key: SecretStr | None = Field(
        default=None, description="Secret key of all pseudonyms, 16 characters or more."
    )
    first_day: date | None = Field(default=None, description="First partition of every table that is cut by day (UTC).")
    last_day: date | None = Field(default=None, description="Last partition; empty: every day until today.")
    duckdb_memory: str = Field(default="2GB", description="Memory after which DuckDB spills to disk.")
    duckdb_threads: int = Field(default=0, ge=0, description="Threads of DuckDB; 0: one per core.")
    sample_fraction: float = Field(
        default=1.0, gt=0, le=1, description="Models learn from so large a share of all persons; 1: from everybody."
    )
    joblib_backend: str = Field(
        default="loky", description=f"What fits the candidates of a search: {', '.join(JOBLIB_BACKENDS)}."
    )
    joblib_jobs: int = Field(
        default=1, ge=-1, description="So many candidates are fitted at once; 1: one after the other; -1: one per core."
    )
    max_file_bytes: int = Field(
        default=16 * 2**30, gt=0, description="A landed file may decompress to this many bytes."
    )
    max_record_bytes: int = Field(default=2**20, gt=0, description="A longer record is quarantined.")
    max_nesting: int = Field(default=32, gt=0, description="A JSON record nested deeper is quarantined.")
    retention_days: int = Field(
        default=30, ge=1, description="Versions of a table that were the latest within so many days stay readable."
    )
    landing_watch_days: int = Field(
        default=14, gt=0, description="New and changed files are looked for on the last so many landing days."
    )
    cost_per_hour: float = Field(
        default=0.0,
        ge=0,
        description="What an hour of computing costs, in your currency; 0: costs are told in seconds only.",
    )
    allow_emptying: bool = Field(default=False, description="Let an empty result replace a published partition.")

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_variables(cls, values: dict) -> dict:
        known = [PREFIX + name.upper() for name in cls.model_fields]
        unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
        if unknown:
            # Without the prefix, which makes all of them alike.
            names = [name.removeprefix(PREFIX) for name in known]
            near = difflib.get_close_matches(unknown[0].removeprefix(PREFIX), names, n=1)
            hint = f"did you mean {PREFIX}{near[0]}?" if near else f"known: {', '.join(known)}"
            raise ConfigurationError(f"unknown setting {', '.join(unknown)}", where="environment variables", todo=hint)
        return values

    @model_validator(mode="after")
    def _known_environment(self) -> "Settings":
        if self.environment not in ENVIRONMENTS:
            known = ", ".join(ENVIRONMENTS)
            raise ConfigurationError(
                f"unknown environment {self.environment!r}", where="PLATFORM_ENVIRONMENT", todo=f"use one of: {known}"
            )
        if self.joblib_backend not in JOBLIB_BACKENDS:
            raise ConfigurationError(
                f"unknown joblib backend {self.joblib_backend!r}",
                where="PLATFORM_JOBLIB_BACKEND",
                todo=f"use one of: {', '.join(JOBLIB_BACKENDS)}",
            )
        key = self.pseudonym_key.get_secret_value() if self.pseudonym_key else None
        if key is not None and len(key) < MINIMUM_KEY_LENGTH:
            raise ConfigurationError(
                f"the key has {len(key)} characters; a short key can be guessed",
                where="PLATFORM_PSEUDONYM_KEY",
                todo=f"use {MINIMUM_KEY_LENGTH} or more random characters, for example from `openssl rand -hex 32`",
            )
        return self

    @property
    def preset(self) -> Environment:
        """The row of the environments table that applies."""
        return ENVIRONMENTS[self.environment]

    @cached_property
    def home_folder(self) -> Path:
        """`home`, absolute."""
        return self.home.expanduser().absolute()

    @property
    def lake_root(self) -> str:
        """Where the Delta tables lie: a folder or an s3:// address without a trailing slash."""
        return self._place(self.lake, "lake")

    @property
    def landing_root(self) -> str:
        """Where files land: a folder or an s3:// address without a trailing slash."""
        return self._place(self.landing_zone, "landing")

    def _place(self, given: str, default: str) -> str:
        if "://" in given:
            return given.rstrip("/")
        if not given and self.preset.needs_remote_places:
            raise ConfigurationError(
                f"the environment {self.environment} has no default place for the {default}",
                where="settings",
                todo="set PLATFORM_LAKE and PLATFORM_LANDING_ZONE to s3:// addresses",
            )
        return str(Path(given).expanduser().absolute() if given else self.home_folder / default)

    @property
    def tracking_uri(self) -> str:
        """Address of the MLflow store."""
        return self.mlflow_uri or f"sqlite:///{self.home_folder / 'mlflow' / 'mlflow.db'}"

    @property
    def model_files_root(self) -> str:
        """Where the files of registered models lie."""
        return str(self.home_folder / "mlflow" / "artifacts")

    @property
    def pictures_root(self) -> str:
        """Where pictures are kept as files: a folder or an s3:// address without a trailing slash."""
        if "://" in self.pictures:
            return self.pictures.rstrip("/")
        return str(Path(self.pictures).expanduser().absolute() if self.pictures else self.home_folder / "pictures")

    @property
    def staging_folder(self) -> Path:
        """Local folder for results that are computed and not yet published; safe to empty when nothing runs."""
        return self.home_folder / "staging"

    @property
    def safe_stores_file(self) -> Path:
        """Which stores have shown that commits on them can be trusted; safe to remove."""
        return self.home_folder / "safe_stores.json"

    @property
    def first_partition_day(self) -> date:
        """First day of the daily partitions."""
        return self.first_day or self.preset.first_day

    @property
    def last_partition_day(self) -> date | None:
        """Last day of the daily partitions; None: they grow with the calendar."""
        if self.last_day or self.first_day or self.preset.days is None:
            return self.last_day
        return self.first_partition_day + timedelta(days=self.preset.days - 1)

    def require_pseudonym_key(self, *, only_simulated_data: bool) -> bytes:
        """The key of all pseudonyms. The demo's public key serves simulated data only.

        Raises ConfigurationError where real data would be hashed without a secret key.
        """
        if self.pseudonym_key is not None:
            return self.pseudonym_key.get_secret_value().encode()
        if self.preset.public_demo_key and only_simulated_data:
            return self.preset.public_demo_key.encode()
        raise ConfigurationError(
            "real identifiers can't be turned into pseudonyms without a secret key",
            where="PLATFORM_PSEUDONYM_KEY",
            todo="set it to a secret, for example from `openssl rand -hex 32`, and keep it: another key, other ids",
        )


def load_settings() -> Settings:
    """Read the settings. Raises ConfigurationError that names the variable and what it should be."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        field = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(
            f"{first['msg']} (got {first['input']!r})", where=field, todo="correct the variable or unset it"
        ) from error
