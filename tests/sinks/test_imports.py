"""The plugin API stays light: a plugin's tests need none of the host's machinery."""

import subprocess
import sys

import pytest

HOST_ONLY = ["flask", "sqlalchemy", "redis", "rq", "pycurl", "requests", "psycopg", "pytest"]


@pytest.mark.parametrize("module", ["app.sinks", "app.sinks.manager", "plugins.webhook", "plugins.splunk_hec"])
def test_importing_the_plugin_api_imports_no_host_machinery(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HOST_ONLY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_exported_exists_and_is_sorted() -> None:
    import app.sinks as api  # noqa: PLC0415 - the module itself is the subject

    assert [name for name in api.__all__ if not hasattr(api, name)] == []
    assert len(set(api.__all__)) == len(api.__all__)
