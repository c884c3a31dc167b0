"""The version, in the one place that says it: the package's metadata is made from this file.

Nothing is imported here. Asking the installed metadata would double the time that `dragoman --version` takes.
"""

VERSION = "0.1.0"
