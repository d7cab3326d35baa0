#!/usr/bin/env bash
# measured.sh FILE PROGRAM ARGUMENT...
# Runs the program and writes "real user system" (seconds, of the program and all its children) to FILE.
# Its exit code is the program's.
TIMEFORMAT='%3R %3U %3S'
file=$1
shift
{ time "$@" 2>&3 3>&-; } 3>&2 2>"$file"
