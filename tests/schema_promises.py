"""Changes of the schemas in a site: those that the evolution gate refuses, with its words, and the others."""

from tests.schema_site import (
    EVENT,
    FORMAT,
    METADATA,
    PROGRESS,
    ROLLUP,
    TIME,
    UNKNOWN,
    Edit,
    body,
    drop,
    field,
    optional,
)

# what is done: file, edit, what the complaint names
REFUSED: dict[str, tuple[str, Edit, list[str]]] = {
    "a field is renamed": (
        EVENT,
        lambda schema: field(body(schema), "score").update(name="points"),
        [
            "/body/score is gone; this looks like a rename of score to points",
            "keep score and add points beside it as nullable; if it is only the key that Canvas renamed, "
            'keep score alone, with "aliases": ["points"]',
        ],
    ),
    "a field is renamed, the old name an alias": (
        EVENT,
        lambda schema: field(body(schema), "score").update(name="points", aliases=["score"]),
        ["/body/score is gone; this looks like a rename of score to points"],
    ),
    "a field of the metadata is renamed": (
        METADATA,
        lambda schema: field(schema["fields"], "hostname").update(name="host"),
        [
            "/metadata/hostname is gone; this looks like a rename of hostname to host",
            "in 2 schemas: course_progress, grade_change",
            "an Avro alias does not help",
        ],
    ),
    "a field is removed": (
        EVENT,
        lambda schema: drop(body(schema), "muted"),
        ["/body/muted is gone, and so its column for every consumer", "put it back"],
    ),
    "a field of a record within a shared type is removed": (
        PROGRESS,
        lambda schema: field(schema["fields"], "error")["type"][1]["fields"].clear(),
        ["/body/progress/error/message is gone"],
    ),
    "a field without default is removed": (
        UNKNOWN,
        lambda schema: drop(schema["fields"], "payload"),
        ["/payload is gone"],
    ),
    "a type is changed": (
        EVENT,
        lambda schema: field(body(schema), "score").update(type=["null", "string"]),
        ["/body/score was double or null and is string or null", "add a field with another name"],
    ),
    "a type is widened": (
        ROLLUP,
        lambda schema: field(schema["fields"], "requirement_count").update(type="double"),
        ["/requirement_count was long and is double"],
    ),
    "text becomes bytes, which registries let pass": (
        EVENT,
        lambda schema: field(body(schema), "grade").update(type=["null", "bytes"]),
        ["/body/grade was string or null and is bytes or null"],
    ),
    "a type is added to a union": (
        EVENT,
        lambda schema: field(body(schema), "grade").update(type=["null", "string", "double"]),
        ["/body/grade was string or null and is double or string or null"],
    ),
    "the items of an array are changed": (
        EVENT,
        lambda schema: field(schema["fields"], "truncated")["type"].update(items="long"),
        ["/truncated/* was string and is long"],
    ),
    "the values of a map are changed": (
        EVENT,
        lambda schema: field(schema["fields"], "extra")["type"].update(values="long"),
        ["/extra/* was string and is long"],
    ),
    "a logical type is changed": (
        METADATA,
        lambda schema: field(schema["fields"], "send_time").update(type=["null", "long"]),
        ["/metadata/send_time was long (timestamp-millis) or null and is long or null"],
    ),
    "a logical type is added": (
        EVENT,
        lambda schema: field(body(schema), "grade").update(
            type=["null", {"type": "string", "logicalType": "uuid"}]
        ),
        ["/body/grade was string or null and is string (uuid) or null"],
    ),
    "a nullable field becomes required": (
        EVENT,
        lambda schema: field(body(schema), "grade").update(type="string", default=""),
        ["/body/grade was string or null and is string"],
    ),
    "a required field becomes nullable": (
        UNKNOWN,
        lambda schema: field(schema["fields"], "payload").update(type=["null", "string"], default=None),
        ["/payload was string and is string or null"],
    ),
    "a required field is added": (
        EVENT,
        lambda schema: body(schema).append({"name": "weight", "type": "double"}),
        ["/body/weight is new and has no default", 'make it nullable with "default": null'],
    ),
    "a default is changed": (
        EVENT,
        lambda schema: field(schema["fields"], "truncated").update(default=["/"]),
        ['/truncated had the default [] and has ["/"]', "keep the default"],
    ),
    "a default is taken away": (
        EVENT,
        lambda schema: field(schema["fields"], "extra").pop("default"),
        ["/extra had the default {} and has none"],
    ),
    "an enum grows": (
        FORMAT,
        lambda schema: schema["symbols"].append("QTI"),
        ["/source_format has the new symbols QTI", "in 3 schemas: course_progress, grade_change, unknown"],
    ),
    "an enum grows, its default new": (
        FORMAT,
        lambda schema: schema.update(symbols=["CANVAS_JSON", "CALIPER", "QTI"], default="CALIPER"),
        ["/source_format has the new symbols QTI"],
    ),
    "an enum shrinks": (
        FORMAT,
        lambda schema: schema["symbols"].remove("CALIPER"),
        ["/source_format lost the symbols CALIPER"],
    ),
    "the record has another name": (
        EVENT,
        lambda schema: schema.update(name="GradeChanged"),
        ["/ was the record canvasbridge.events.GradeChange and is canvasbridge.events.GradeChanged"],
    ),
    "the record has another namespace": (
        ROLLUP,
        lambda schema: schema.update(namespace="canvasbridge.windows"),
        ["/ was the record canvasbridge.rollups.CourseProgress and is canvasbridge.windows.CourseProgress"],
    ),
    "the body has another name": (
        EVENT,
        lambda schema: field(schema["fields"], "body")["type"].update(name="Body"),
        ["/body was canvasbridge.events.GradeChangeBody and is canvasbridge.events.Body"],
    ),
}

# what is done: file, edit, what the table says of it (None: unchanged, nothing to release)
ALLOWED: dict[str, tuple[str, Edit, str | None]] = {
    "a nullable field": (EVENT, lambda schema: body(schema).append(optional("note")), "added /body/note"),
    "a nullable record": (
        EVENT,
        lambda schema: body(schema).insert(
            0,
            optional(
                "rubric", {"type": "record", "name": "Rubric", "fields": [optional("points", "double")]}
            ),
        ),
        "added /body/rubric, /body/rubric/points",
    ),
    "a field with a default": (
        EVENT,
        lambda schema: body(schema).append({"name": "tries", "type": "long", "default": 1}),
        "added /body/tries",
    ),
    "many fields": (
        EVENT,
        lambda schema: body(schema).extend(optional(f"f{number}") for number in range(5)),
        "added /body/f0, /body/f1, /body/f2 and 2 more",
    ),
    "a field of a shared type": (
        PROGRESS,
        lambda schema: schema["fields"].append(optional("seen_at", TIME)),
        "added /body/progress/seen_at",
    ),
    "documentation": (EVENT, lambda schema: schema.update(doc="Other words."), "documentation"),
    "an alias": (EVENT, lambda schema: field(body(schema), "score").update(aliases=["mark"]), "aliases"),
    "order of fields": (EVENT, lambda schema: body(schema).reverse(), "order"),
    "order of symbols": (FORMAT, lambda schema: schema["symbols"].reverse(), "order"),
    "our attributes": (EVENT, lambda schema: field(body(schema), "score").update(pii="indirect"), None),
    "nothing": (EVENT, lambda schema: None, None),
}
