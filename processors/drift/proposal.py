"""From observations to changed schemas: text in, text out.

A field that is there is never changed, only fields and files are added, so every result is compatible with
what is registered. What x_created gets, x_updated gets too: a test of avro/ holds them together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from processors.drift.drafts import Draft, Drafts, observed, settle
from processors.drift.drift_report import Kind
from processors.drift.inference import Unclear
from processors.drift.new_event import body_is_empty, named_types, names_in, new_event, with_key
from processors.drift.new_field import NewField, pascal_case, render, render_shared
from processors.drift.observations import Observations, UnknownBody
from processors.drift.pointers import Spot, find_spot
from processors.drift.schema_text import RecordPlace, Texts, at, event_file, insert_fields, parse
from processors.drift.targets import find_target

_METADATA = "types/EventMetadata.avsc"
_TYPE_IS_KEPT = (
    "the values do not fit its field, whose type cannot change (FULL_TRANSITIVE): read them from `extra`, or "
    "add a field of another name"
)


@dataclass(frozen=True, slots=True)
class Added:
    """A field that was written; `field`: its path in the file, `remarks`: what of it stays in `extra`."""

    file: str
    field: str
    type: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """What was seen and not written, and why; the remedy is in the reason."""

    event: str
    field: str
    reason: str


@dataclass(slots=True)
class Proposal:
    """The texts of the files that changed, or are `new_events`; what was added to them, and what was not."""

    texts: dict[str, str] = field(default_factory=dict)
    new_events: list[str] = field(default_factory=list)
    added: list[Added] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def propose(texts: Texts, observations: Observations) -> Proposal:
    """The schemas with a field for everything that was seen and has none.

    `texts`: the files of avro/, events/ and types/; they must be what the observations were compared with.
    """
    return _Proposer(texts).run(observations)


class _Proposer:
    def __init__(self, texts: Texts) -> None:
        self._before = texts
        self._texts = dict(texts)
        self._names = set(named_types(texts))
        self._result = Proposal()

    def run(self, observations: Observations) -> Proposal:
        for name, body in sorted(observations.bodies.items()):
            self._begin_event(name, body)
        drafts = Drafts(dict(self._texts))
        self._draft_fields(observations, drafts)
        for name in self._result.new_events:
            self._draft_body(name, observations.bodies[name], drafts)
        for draft in drafts.paired():
            try:
                self._write(draft)
            except Unclear as reason:
                self._leave(sorted(draft.events)[0], _path(draft.places[0], draft.name), reason)
        self._finish_events()
        self._result.texts = {
            file: text for file, text in self._texts.items() if self._before.get(file) != text
        }
        return self._result

    def _begin_event(self, name: str, body: UnknownBody) -> None:
        try:
            if event_file(name) in self._texts:
                raise Unclear("it has a schema by now")
            if not body.keys:
                raise Unclear(
                    "no body with a value came as Canvas JSON, or privacy took it: write the schema by hand"
                )
            self._texts[event_file(name)] = new_event(self._texts, name, observed(body.seen, "", body.first))
            self._result.new_events.append(name)
        except Unclear as reason:
            self._leave(name, "", reason)

    def _draft_fields(self, observations: Observations, drafts: Drafts) -> None:
        for (event, pointer, kind), row in sorted(observations.fields.items()):
            if kind is Kind.MISFIT:
                self._leave(event, pointer, _TYPE_IS_KEPT)
            elif kind is Kind.UNKNOWN_FIELD:
                try:
                    spot = find_spot(pointer, min(row.formats))
                    drafts.add(find_target(self._texts, event, spot), event, row, row.shape)
                except Unclear as reason:
                    self._leave(event, pointer, reason)

    def _draft_body(self, name: str, body: UnknownBody, drafts: Drafts) -> None:
        if body.shape.is_open:
            self._leave(name, "/body", "it holds more than was looked at: complete the schema by hand")
        for key, seen in sorted(body.keys.items()):
            try:
                target = find_target(self._texts, name, Spot(("body", key)))
            except Unclear as reason:
                self._leave(name, f"/body/{key}", reason)
                continue
            there = (field["name"] for field in self._fields(target.place))
            if target.name not in there:
                sighting = replace(body, seen=seen)
                drafts.add(target, name, sighting, body.shape.keys[key])

    def _write(self, draft: Draft) -> None:
        inferred = settle(self._texts, draft)
        new = NewField(
            draft.name,
            inferred,
            draft.doc(),
            self._record_name(draft) if inferred.avro is None else "",
            shared=inferred.avro is None and len(draft.places) > 1,
            caliper=tuple(sorted(draft.caliper)),
            aliases=tuple(sorted(draft.aliases)),
        )
        written = {place: render(self._as_of(new, place)) for place in draft.places}
        if inferred.avro is None:
            self._write_record(new)
        for place, lines in written.items():
            self._texts[place.file] = insert_fields(self._texts[place.file], place.path, [lines])
            path = _path(place, draft.name)
            self._result.added.append(Added(place.file, path, str(inferred), inferred.left_out))

    def _write_record(self, new: NewField) -> None:
        """Takes the names of the records in a field; a shared one gets its file."""
        text = render_shared(new)
        names = list(names_in(parse(text)))
        if len(set(names)) < len(names):
            raise Unclear("two records in it would have one name: write it by hand")
        self._names.update(names)
        if new.shared:
            self._texts[f"types/{new.record_name}.avsc"] = text

    def _as_of(self, new: NewField, place: RecordPlace) -> NewField:
        """The field as it stands in one record: with what Caliper has to do with it there."""
        of_event = place.file.startswith("events/")
        has_caliper = not of_event or bool(parse(self._texts[place.file]).get("caliper"))
        if not has_caliper:
            return replace(new, caliper=())
        direct = place.names == ("body",) or (place.file, place.names) == (_METADATA, ())
        if of_event and not new.caliper and direct and not self._fields(place):
            raise Unclear("the first field of a body that Caliper has needs a `caliper`: write it by hand")
        null = " Null for Caliper." if direct and not new.caliper else ""
        return replace(new, doc=new.doc + null)

    def _record_name(self, draft: Draft) -> str:
        """A name that no record has, nor begins with: records inside are named after it."""
        stem = draft.places[0].file.rpartition("/")[2].removesuffix(".avsc")
        if len(draft.places) > 1:
            stem = stem.removesuffix("_created").removesuffix("_updated")
        base = (stem if stem[0].isupper() else pascal_case(stem)) + pascal_case(draft.name)
        return next(name for name in _numbered(base) if not any(it.startswith(name) for it in self._names))

    def _fields(self, place: RecordPlace) -> list[dict[str, object]]:
        fields: list[dict[str, object]] = at(self._texts, place)["fields"]
        return fields

    def _finish_events(self) -> None:
        for name in list(self._result.new_events):
            file = event_file(name)
            if body_is_empty(self._texts[file]):
                self._result.new_events.remove(name)
                del self._texts[file]
                self._leave(name, "", "no field of its body could be proposed: write the schema by hand")
            else:
                self._texts[file] = with_key(self._texts, file)

    def _leave(self, event: str, pointer: str, reason: object) -> None:
        self._result.left.append(Left(event, pointer, str(reason)))


def _path(place: RecordPlace, name: str) -> str:
    return "/".join([*place.names, name])


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}{number}"
        number += 1
