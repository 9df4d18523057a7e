"""The table of events in avro/README.md; run as a script (`make docs`) this writes it anew."""

from tests.schema_files import AVRO, EVENTS, read

README = AVRO / "README.md"
BEGIN, END = "<!-- events: written by `make docs` -->\n", "<!-- end of events -->\n"


def table() -> str:
    """Every event: its schema, what happened, in which formats Canvas sends it."""
    rows = ["| event | what happened | sent as |", "|---|---|---|"]
    for path in EVENTS:
        schema = read(path)
        formats = "JSON, Caliper" if "caliper" in schema else "JSON"
        rows.append(f"| [{path.stem}](events/{path.name}) | {schema['doc']} | {formats} |")
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    """The README with its table as it should be. Raises ValueError where the marks are missing."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{README} must have the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
