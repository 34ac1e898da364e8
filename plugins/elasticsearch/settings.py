"""The settings of an Elasticsearch or OpenSearch webhook."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, SecretStr, model_validator

from app.sinks import Binding, HeaderSecret, Hint, Settings, Written

_NAME = r"^[a-z0-9][a-z0-9._\-]{0,199}$"
_PIPELINE = r"^[A-Za-z0-9._\-]{0,200}$"


class ElasticsearchConfig(Settings):
    """Where the documents go, and how much one request carries."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"index": "logs-relaypoint.audit-default"},
                {"index": "audit", "pipeline": "geoip", "basic_user": "relay", "gzip": False, "max_events": 50},
            ]
        }
    )

    index: Annotated[
        str,
        Written(_NAME, "the name of an index: small letters, digits and ._-"),
        Hint(
            title="Index or data stream",
            help="Documents are only created, so a data stream is as good as an index.",
            group="Elasticsearch",
            order=1,
        ),
    ] = "logs-relaypoint.audit-default"
    pipeline: Annotated[
        str,
        Written(_PIPELINE, "the name of a pipeline: letters, digits and ._-"),
        Hint(title="Ingest pipeline", help="Empty: the index's default pipeline.", group="Elasticsearch", order=2),
    ] = ""
    basic_user: Annotated[
        str,
        Field(max_length=255),
        Written(r"^[^:\x00-\x1f]*$", "a name without colons and control characters"),
        Hint(title="User name", help="With a password: HTTP Basic.", group="Authorization", order=2),
    ] = ""
    gzip: Annotated[bool, Hint(title="Compress requests", group="Advanced", order=1)] = True
    max_events: Annotated[int, Field(ge=1, le=1000), Hint(title="Documents per request", group="Advanced", order=2)] = (
        1000
    )
    max_bytes: Annotated[
        int,
        Field(ge=100_000, le=50_000_000),
        Hint(title="Bytes per request", help="Uncompressed; a larger event fails.", group="Advanced", order=3),
    ] = 5_000_000


class ElasticsearchSecrets(Settings):
    """An API key, or a password for the user name. A cluster behind a proxy of yours may need neither."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"api_key": "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAy"}]})

    api_key: Annotated[
        HeaderSecret | None,
        Hint(
            title="API key",
            help="The encoded form, as Elasticsearch shows it.",
            group="Authorization",
            order=1,
            widget="password",
        ),
    ] = None
    basic_password: Annotated[
        SecretStr | None,
        Field(max_length=1000),
        Hint(title="Password", group="Authorization", order=3, widget="password"),
    ] = None

    @model_validator(mode="after")
    def _one_authorization(self) -> ElasticsearchSecrets:
        if self.api_key is not None and self.basic_password is not None:
            raise ValueError("set api_key or basic_password, not both")
        return self


ElasticsearchBinding = Binding[ElasticsearchConfig, ElasticsearchSecrets]
