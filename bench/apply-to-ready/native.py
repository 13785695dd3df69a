#!/usr/bin/python3
"""The baseline: libvirt's own client, through its C library.

`native.py start --threads N XML...` defines and starts the machine of each file, N at a time, each thread with a connection
of its own; prints one JSON document: {"begun", "ended", "machines": [{"uuid", "defined", "started"}]}, in seconds of
CLOCK_MONOTONIC. `native.py remove XML...` takes them away again.
"""

import argparse
import json
import queue
import re
import threading
import time

import libvirt


def start(connection, xml):
    machine = connection.defineXML(xml)
    defined = time.monotonic()
    machine.create()
    return {"uuid": machine.UUIDString(), "defined": defined, "started": time.monotonic()}


def remove(connection, xml):
    uuid = re.search(r"<uuid>(.*?)</uuid>", xml)[1]
    try:
        machine = connection.lookupByUUIDString(uuid)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
    if machine.isActive():
        machine.destroy()
    machine.undefine()
    return None


def in_threads(uri, count, work, items):
    """The results of work(connection, item), with the time it all took; the first failure is raised."""
    todo = queue.SimpleQueue()
    for item in items:
        todo.put(item)
    results, failures = [], []
    connections = [libvirt.open(uri) for _ in range(count)]  # before the clock starts

    def run(connection):
        try:
            while not failures:
                results.append(work(connection, todo.get_nowait()))
        except queue.Empty:
            pass
        except Exception as error:  # told in the main thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(connection,)) for connection in connections]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = time.monotonic()
    if failures:
        raise failures[0]
    return results, begun, ended


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("verb", choices=["start", "remove"])
    arguments.add_argument("--connect", default="qemu:///system")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("files", nargs="+", metavar="XML")
    options = arguments.parse_args()

    libvirt.registerErrorHandler(lambda *_: None, None)  # errors are raised; they need not be printed, too
    machines = [open(file, encoding="utf-8").read() for file in options.files]
    work = start if options.verb == "start" else remove
    results, begun, ended = in_threads(options.connect, options.threads, work, machines)
    if options.verb == "start":
        print(json.dumps({"begun": begun, "ended": ended, "machines": results}))


main()
