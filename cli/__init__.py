"""The command line: parse, build, call, render. One file a subcommand; what is said is `dragoman.schemas`' business."""
