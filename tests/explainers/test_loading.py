import os
from pathlib import Path

from humanlike.explainers.loading import keep_last


def test_the_last_file_is_loaded_once_until_it_changes(tmp_path: Path, monkeypatch) -> None:
    loaded = []

    @keep_last
    def load(path: Path, runtime: str = "") -> object:
        loaded.append((path.read_text(), runtime))
        return object()

    file = Path("fold0.keras")
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(folder)

    monkeypatch.chdir(tmp_path / "one")
    first = load(file)
    assert load(file) is first
    assert load(file, "openvino") is not first
    file.write_text("written since")
    os.utime(file, ns=(1, 1))
    load(file)
    monkeypatch.chdir(tmp_path / "other")
    load(file)
    assert loaded == [("one", ""), ("one", "openvino"), ("written since", ""), ("other", "")]
