"""The command `canvas-bridge`."""

from bridge.command_line import LazyGroup

main = LazyGroup(
    name="canvas-bridge",
    help="Moves Canvas LMS Live Events from SQS or HTTPS into Kafka, acknowledging what it confirmed.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    members={
        "webhook": "bridge.ingress.webhook:command",
        "sqs": "bridge.ingress.sqs:command",
        "check": "bridge.check.command:command",
        "spool": "bridge.spool.command:command",
        "sandbox": "bridge.sandbox.command:command",
        "simulate": "bridge.sandbox.simulate:command",
        "demo": "bridge.sandbox.demo:command",
    },
)

if __name__ == "__main__":
    main()
