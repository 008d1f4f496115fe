"""Pictures are shown and lie where their metadata say, in a folder and on S3."""

from pathlib import Path

import pytest

from platform_assets_tests.stores import S3_CREDENTIALS, new_bucket
from resources.object_store import open_place
from resources.pictures import Pictures

PNG = b"\x89PNG..."


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "local":
        return str(tmp_path)
    endpoint = request.getfixturevalue("moto_server")
    for name, value in {**S3_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    return f"s3://{new_bucket(endpoint)}/pictures"


def test_a_picture_lies_where_its_metadata_say(root: str) -> None:
    pictures = Pictures(root=root)
    pictures.keep("report", "2026-01-05", {"overlap": b"an older one"})
    metadata = pictures.keep("report", "2026-01-05", {"overlap": PNG})
    filesystem, path = open_place(metadata["pictures"].path)
    assert filesystem.open_input_file(f"{path}/overlap.png").read() == PNG
    assert "data:image/png;base64," in metadata["overlap"].value


def test_a_page_lies_where_its_metadata_say(root: str) -> None:
    pictures = Pictures(root=root)
    pictures.keep_page("conversion_drift", "2026-01-05", "report", "an older one")
    metadata = pictures.keep_page("conversion_drift", "2026-01-05", "report", "<p>(r − 1) · ln r</p>")
    filesystem, path = open_place(metadata["report"].path)
    assert path.endswith("/conversion_drift/2026-01-05/report.html")
    assert filesystem.open_input_file(path).read().decode() == "<p>(r − 1) · ln r</p>"
