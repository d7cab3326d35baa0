"""Runs a program on a terminal of its own, and types what a person would: terminal.py STEPS PROGRAM ARGS...

STEPS is JSON: a list of [what must have appeared on the screen, what is typed then]. Prints everything that the terminal
showed, without colours and cursor movements, and ends with the program's exit code; 99 when something did not appear.
"""
import json, os, pty, re, select, signal, sys, time

WAIT_SECONDS = 120
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>78]|\r")

steps = [(wanted.encode(), typed.encode()) for wanted, typed in json.loads(sys.argv[1])]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

shown = b""
seen = 0
until = time.monotonic() + WAIT_SECONDS
while time.monotonic() < until:
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    plain = CONTROL.sub(b"", shown)
    if steps and steps[0][0] in plain[seen:]:
        wanted, typed = steps.pop(0)
        seen = plain.index(wanted, seen) + len(wanted)
        time.sleep(0.3)
        os.write(terminal, typed)
else:
    os.kill(child, signal.SIGKILL)

_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(CONTROL.sub(b"", shown))
if steps:
    sys.stderr.write("never appeared: %s\n" % steps[0][0].decode())
sys.exit(99 if steps else os.waitstatus_to_exitcode(status) & 255)
