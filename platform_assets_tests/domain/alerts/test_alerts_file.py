"""Who is told is declared in a file; every mistake in it is told at once, with its line and without its secrets."""

from pathlib import Path

import pytest

from platform_assets.domain.alerts.alerts_file import load_recipients
from platform_assets.domain.alerts.targets import Recipients
from platform_assets.domain.errors import ConfigurationError

GOOD = """
targets:
  - {name: channel, kind: slack, url: "{env:SLACK_WEBHOOK_URL}"}
  - {name: pager, kind: webhook, url: "https://pager.example.org/hook", secret: "{env:PAGER_SECRET}"}
  - name: team
    kind: email
    from: platform@example.org
    to: [one@example.org, two@example.org]
    smtp: {host: smtp.example.org, user: platform, password: "{env:SMTP_PASSWORD}"}
default_targets: [channel]
routes:
  - {owner: "team:shop", severity: error, targets: [team]}
  - {severity: error, targets: [pager]}
"""
WRONG = """
targets:
  - {name: channel, kind: slack, url: "https://hooks.slack.example/services/very-secret"}
  - {name: Pager, kind: webhook, url: "http://pager.example.org/hook"}
  - {name: team, kind: email, from: platform, to: [], smtp: {host: smtp.example.org, security: none}}
  - {name: mail, kind: email, from: a@example.org, to: b@example.org, smtp: {host: h, user: u, password: hunter2}}
  - {name: other, kind: pigeon}
default_targets: [chanel]
routes:
  - {severity: grave, targets: [team]}
"""


def load(folder: Path, text: str) -> Recipients:
    (folder / "alerts.yaml").write_text(text, encoding="utf-8")
    return load_recipients(folder / "alerts.yaml")


def test_a_file_is_read(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert list(found.targets) == ["channel", "pager", "team"]
    assert found.targets["team"].server.port == 587  # type: ignore[union-attr]
    assert found.route("team:ads", "warning", ()) == ("channel",)
    assert found.route("team:ads", "error", ()) == ("pager",)
    assert found.route("team:ads", "error", ("channel",)) == ("channel",)


def test_each_mail_address_is_a_recipient_that_does_not_tell_the_address(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    *mails, pager = found.route("team:shop", "error", ())
    assert pager == "pager"
    assert len(mails) == 2
    assert not any("@" in name or "one" in name for name in mails)
    assert {found.of_recipient(name)[1] for name in mails} == {"one@example.org", "two@example.org"}


def test_every_mistake_is_told_with_its_line_and_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, WRONG)
    said = str(caught.value)
    for line, told in {
        3: "is a secret",
        4: "small letters",
        5: "names no address",
        6: "is a secret",
        7: "pigeon is not known",
        8: "did you mean channel?",
        10: "grave is not known",
    }.items():
        assert any(f":{line}: " in part and told in part for part in said.splitlines()), (line, told, said)
    assert "only an address on this machine may do without https" in said
    assert "only a server on this machine may be spoken to without TLS" in said
    assert "very-secret" not in said
    assert "hunter2" not in said


def test_a_model_that_names_an_unknown_target_is_refused(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    found.require(("team",), "model 'conversion'")
    with pytest.raises(ConfigurationError, match="named teams, did you mean team"):
        found.require(("teams",), "model 'conversion'")


def test_the_shipped_file_addresses_nobody() -> None:
    found = load_recipients("config/alerts.yaml")
    assert found.route("team:x", "error", ()) == ()


def test_the_example_in_the_shipped_file_is_right(tmp_path: Path) -> None:
    lines = Path("config/alerts.yaml").read_text(encoding="utf-8").splitlines()
    first = lines.index("# targets:")
    example = [line.removeprefix("# ") for line in lines[first:] if line.startswith("# ")]
    assert len(load(tmp_path, "\n".join(example)).targets) == 3
