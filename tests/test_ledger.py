"""The ledger: one line before each thing, private, readable after a crash."""

from pathlib import Path

from akswi_helpers.ledger import Entry, Ledger


def test_note_is_read_back(tmp_path: Path) -> None:
    Ledger(tmp_path).note("resource group", "/subscriptions/s/resourceGroups/akswi")
    assert Ledger(tmp_path).entries() == [
        Entry("resource group", "/subscriptions/s/resourceGroups/akswi")
    ]


def test_note_writes_one_line_when_told_twice(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.note("helm release", "app1/app1")
    ledger.note("helm release", "app1/app1")
    assert len(ledger.path.read_text().splitlines()) == 1
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_entries_leave_out_a_half_written_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.note("helm release", "app1/app1")
    with ledger.path.open("a") as file:
        file.write('{"kind": "helm rel')
    assert ledger.ids("helm release") == ["app1/app1"]


def test_close_forgets_everything(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.note("deployment", "main")
    ledger.close()
    ledger.close()
    assert ledger.entries() == []
