"""The command `canvas-processors`."""

from bridge.command_line import LazyGroup

main = LazyGroup(
    name="canvas-processors",
    help="Turns raw Canvas Live Events into typed Avro records, one topic per event name, and rolls them up.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    members={
        "worker": "processors.worker.command:command",
        "convert": "processors.convert:command",
        "schemas": "processors.schemas.command:command",
        "topics": "processors.topics.command:command",
        "drift": "processors.drift.command:command",
        "privacy": "processors.privacy.command:command",
        "dead-letter": "processors.dead_letters.command:command",
        "raw": "processors.replay.raw_command:command",
        "audit": "processors.audit.command:command",
        "explain": "processors.audit.explain_command:command",
    },
)

if __name__ == "__main__":
    main()
