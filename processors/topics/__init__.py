"""The topics a catalogue needs, made and kept on a cluster; `command` is the front."""
