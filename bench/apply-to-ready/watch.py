#!/usr/bin/python3
"""Says when guests are up, whoever started them: opens the serial console of each machine as soon as libvirt tells that it
runs, and waits for the guest's banner there. The same watcher serves every contender.

Prints JSON lines: {"watching": true} once it listens, then {"uuid", "started", "ready"} for each machine, in seconds of
CLOCK_MONOTONIC. Ends when --count machines are ready; exit code 1 and the names of the others when --timeout is over.
"""

import argparse
import json
import sys
import time

import libvirt

BANNER = b"virtwright guest ready: "


class Watch:
    def __init__(self, uri):
        self.started = []  # machines whose console is still to be opened
        self.waiting = {}  # uuid -> (name, stream, when started, heard so far)
        self.ready = 0
        self.connection = libvirt.open(uri)
        self.connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self.on_lifecycle, None)

    def on_lifecycle(self, _connection, machine, event, _detail, _opaque):
        if event == libvirt.VIR_DOMAIN_EVENT_STARTED:
            self.started.append((machine, time.monotonic()))

    def open_consoles(self):
        """Not in the event's callback: a call may not wait for its answer there."""
        while self.started:
            machine, when = self.started.pop(0)
            stream = self.connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
            machine.openConsole(None, stream, 0)
            uuid = machine.UUIDString()
            self.waiting[uuid] = (machine.name(), stream, when, bytearray())
            wanted = libvirt.VIR_STREAM_EVENT_READABLE | libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP
            stream.eventAddCallback(wanted, self.on_readable, uuid)

    def on_readable(self, stream, _events, uuid):
        if uuid not in self.waiting:
            return
        _name, _stream, started, heard = self.waiting[uuid]
        data = stream.recv(4096)
        if data == -2:  # nothing there yet
            return
        heard.extend(data)
        if BANNER in heard:
            tell({"uuid": uuid, "started": started, "ready": time.monotonic()})
            self.ready += 1
            self.forget(uuid)
        elif not data:
            self.forget(uuid)

    def forget(self, uuid):
        _name, stream, _started, _heard = self.waiting.pop(uuid)
        stream.eventRemoveCallback()
        stream.abort()


def tell(fact):
    print(json.dumps(fact), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--connect", default="qemu:///system")
    arguments.add_argument("--count", type=int, required=True)
    arguments.add_argument("--timeout", type=float, default=900, help="seconds")
    options = arguments.parse_args()

    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(500, lambda *_: None, None)  # wakes the loop, so that the deadline is seen
    watch = Watch(options.connect)
    tell({"watching": True})
    deadline = time.monotonic() + options.timeout
    while watch.ready < options.count:
        if time.monotonic() > deadline:
            names = ", ".join(sorted(name for name, *_ in watch.waiting.values()))
            sys.exit(f"{watch.ready} of {options.count} guests were heard within {options.timeout:g} s; running, but not heard: {names or 'none'}")
        libvirt.virEventRunDefaultImpl()
        watch.open_consoles()


main()
