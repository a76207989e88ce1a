"""Reads and works windows as a screen reader does, over AT-SPI. The test of the real window drives it: one JSON object a
line comes in, one goes out. It knows windows by the process that they belong to."""
import json
import subprocess
import sys

import pyatspi


ROLES = {
    "button": {"push button", "toggle button"},
    "link": {"link"},
    "radio": {"radio button"},
    "textbox": {"entry", "text", "password text"},
}
EMBEDDED = "\ufffc"


def document(pid):
    for app in pyatspi.Registry.getDesktop(0):
        if app is None or app.get_process_id() != pid:
            continue
        for node in walk(app):
            if node.getRoleName() == "document web":
                return node
    raise LookupError("this window shows no page")


def walk(node):
    yield node
    for i in range(node.childCount):
        child = node.getChildAtIndex(i)
        if child is not None:
            yield from walk(child)


def words(node):
    """What a node says, with what its children say where they stand in it."""
    children = [node.getChildAtIndex(i) for i in range(node.childCount)]
    try:
        own = node.queryText().getText(0, -1)
    except NotImplementedError:
        own = ""
    if EMBEDDED not in own:
        return " ".join([own] + [words(c) for c in children if c is not None]) if children else own or node.name
    out, at = [], 0
    for letter in own:
        if letter != EMBEDDED:
            out.append(letter)
        elif at < len(children):
            out.append(" " + words(children[at]) + " " if children[at] is not None else "")
            at += 1
    return "".join(out)


def has(node, state):
    return node.getState().contains(state)


def shown(node):
    return has(node, pyatspi.STATE_SHOWING) and has(node, pyatspi.STATE_VISIBLE)


def find(pid, role, name):
    for node in walk(document(pid)):
        if node.getRoleName() in ROLES[role] and node.name == name and has(node, pyatspi.STATE_VISIBLE):
            return node
    raise LookupError("no %s %r" % (role, name))


def press(node):
    actions = node.queryAction()
    if actions.nActions == 0 or not actions.doAction(0):
        raise LookupError("%r cannot be pressed" % node.name)


def window(pid, title="Postern"):
    found = subprocess.run(["xdotool", "search", "--all", "--onlyvisible", "--pid", str(pid), "--name", title], capture_output=True, text=True)
    ids = found.stdout.split()
    if not ids:
        raise LookupError("the window %r is not on the screen" % title)
    return ids[-1]


def front(pid, title="Postern"):
    at = window(pid, title)
    subprocess.run(["xdotool", "windowraise", at, "windowfocus", "--sync", at], check=True)


def fill(pid, role, name, text):
    front(pid)
    node = find(pid, role, name)
    node.queryComponent().grabFocus()
    if not has(find(pid, role, name), pyatspi.STATE_FOCUSED):
        raise LookupError("%r does not take the focus" % name)
    subprocess.run(["xdotool", "key", "ctrl+a", "type", "--delay", "4", text], check=True)


def chooser(pid):
    """The platform's dialog for saving a file, which is no page."""
    for app in pyatspi.Registry.getDesktop(0):
        if app is None or app.get_process_id() != pid:
            continue
        for node in app:
            if node is not None and node.getRoleName() == "file chooser" and shown(node):
                return node
    raise LookupError("no file is asked for")


def answer(ask):
    do, pid = ask["do"], ask.get("pid")
    if do == "find":
        find(pid, ask["role"], ask["name"])
    elif do == "press":
        node = find(pid, ask["role"], ask["name"])
        if not has(node, pyatspi.STATE_SENSITIVE):
            raise LookupError("%r is inactive" % ask["name"])
        press(node)
    elif do == "active":
        return has(find(pid, ask["role"], ask["name"]), pyatspi.STATE_SENSITIVE)
    elif do == "follow":
        for node in walk(document(pid)):
            if node.getRoleName() == "link" and ask["name"] in words(node):
                return press(node)
        raise LookupError("no link says %r" % ask["name"])
    elif do == "fill":
        fill(pid, ask["role"], ask["name"], ask["text"])
    elif do == "holds":
        return find(pid, ask["role"], ask["name"]).queryText().getText(0, -1)
    elif do == "focused":
        front(pid)
        return has(find(pid, ask["role"], ask["name"]), pyatspi.STATE_FOCUSED)
    elif do == "text":
        return words(document(pid))
    elif do == "title":
        return subprocess.run(["xdotool", "getwindowname", window(pid)], capture_output=True, text=True, check=True).stdout.strip()
    elif do == "asked":
        dialog = chooser(pid)
        return [dialog.name, next(n for n in walk(dialog) if n.getRoleName() == "text").queryText().getText(0, -1)]
    elif do == "answer":
        front(pid, chooser(pid).name)
        if ask["text"]:
            subprocess.run(["xdotool", "key", "ctrl+a", "type", "--delay", "4", ask["text"]], check=True)
        subprocess.run(["xdotool", "key", ask["name"]], check=True)
    elif do == "key":
        front(pid)
        subprocess.run(["xdotool", "key", ask["name"]], check=True)
    elif do == "shot":
        front(pid)
        subprocess.run(["import", "-window", "root", ask["name"]], check=True)
    else:
        raise ValueError(do)
    return True


for line in sys.stdin:
    try:
        out = {"value": answer(json.loads(line))}
    except Exception as e:  # whatever it was, the test decides whether to ask again
        out = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(out), flush=True)
