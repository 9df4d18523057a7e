"""How an export comes into a folder, and that nobody's file is lost by it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from processors.catalogue import load_catalogue, schema_folder
from processors.exports import EXPORTS
from processors.exports.base import MARKER, ExportRefused, Material, write
from processors.names import TopicNames
from processors.schemas.command import command

MATERIAL = Material(load_catalogue(), TopicNames(), schema_folder())


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["export", *map(str, arguments)])


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_is_the_same_twice_and_below_its_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    first, second = (dict(EXPORTS[name].files(MATERIAL, folder)) for _ in range(2))
    assert first == second
    assert not folder.exists()
    assert all((folder / path).resolve().is_relative_to(folder) for path in first)
    assert all(str(tmp_path) not in text for text in first.values())


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_has_an_option_and_renews_its_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "records"
    assert export(f"--{name}", folder).exit_code == 0
    first = tree(folder)
    result = export(f"--{name}", folder)
    assert (result.exit_code, result.output) == (0, f"{folder}: {len(first) - 1} files\n")
    assert tree(folder) == first


def test_several_forms_in_one_run(tmp_path: Path) -> None:
    result = export("--python", tmp_path / "records", "--avro", tmp_path / "avro")
    assert result.exit_code == 0
    assert (tmp_path / "records/py.typed").exists()
    assert (tmp_path / "avro/canvas.grade_change.avsc").exists()


def test_topics_have_the_prefix_that_is_set(tmp_path: Path) -> None:
    assert export("--avro", tmp_path / "avro", "--kafka-topic-prefix", "uni.").exit_code == 0
    assert (tmp_path / "avro/uni.grade_change.avsc").exists()


def test_no_folder_is_misuse() -> None:
    result = export()
    assert result.exit_code == 2
    assert "name a folder: " + ", ".join(f"--{name} DIR" for name in EXPORTS) in result.output


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    result = export("--avro", tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path} is not empty and not of an export: name a new folder" in result.output
    assert tree(tmp_path) == {"notes.txt": "mine"}


def test_a_folder_of_another_export_is_refused(tmp_path: Path) -> None:
    write("avro", {"a.avsc": "{}"}, tmp_path)
    with pytest.raises(ExportRefused, match="is of the export --avro"):
        write("python", {"a.py": ""}, tmp_path)


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert write("avro", {"a.avsc": "{}"}, tmp_path) == 1
    assert sorted(tree(tmp_path)) == [MARKER, "a.avsc"]


def test_stale_files_go_and_foreign_ones_stay(tmp_path: Path) -> None:
    write("python", {"a.py": "1", "old/b.py": "2", "old/c.py": "3", "gone/d.py": "4"}, tmp_path)
    (tmp_path / "old/mine.txt").write_text("mine", "utf-8")
    write("python", {"a.py": "5"}, tmp_path)
    assert {path: text for path, text in tree(tmp_path).items() if path != MARKER} == {
        "a.py": "5",
        "old/mine.txt": "mine",
    }
    assert not (tmp_path / "gone").exists()
    assert json.loads((tmp_path / MARKER).read_text("utf-8"))["files"] == ["a.py"]


def test_a_foreign_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    write("python", {"a.py": "1"}, tmp_path)
    (tmp_path / "b.py").write_text("mine", "utf-8")
    before = tree(tmp_path)
    with pytest.raises(ExportRefused, match=r"b\.py is not of an export"):
        write("python", {"a.py": "2", "b.py": "2"}, tmp_path)
    assert tree(tmp_path) == before


def test_a_marker_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write("python", {"a.py": "1"}, folder)
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    marked = json.loads((folder / MARKER).read_text("utf-8"))
    (folder / MARKER).write_text(json.dumps({**marked, "files": ["../mine.txt", "a.py"]}), "utf-8")
    write("python", {}, folder)
    assert (tmp_path / "mine.txt").exists()
    assert not (folder / "a.py").exists()


def test_a_run_that_died_is_made_good(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write("python", {"a.py": "1", "b.py": None}, tmp_path)  # type: ignore[dict-item]
    assert write("python", {"a.py": "2", "b.py": "2"}, tmp_path) == 2


@pytest.mark.parametrize("name", ["canvas-events", "2u", "class"])
def test_a_package_that_cannot_be_imported_is_refused(name: str, tmp_path: Path) -> None:
    result = export("--python", tmp_path / name)
    assert result.exit_code == 1
    assert f"{name!r} cannot be imported" in result.output
