#!/usr/bin/python3
"""The baseline: libvirt's own client, through its C library.

Does what each line of standard input says, as JSON, and answers each with a line, in seconds of CLOCK_MONOTONIC:
{"do": "latency", "calls": N}: one call after the other: {"median", "cpu"}, both of one call
{"do": "throughput", "calls": N, "threads": T, "shared": S}: {"wall", "cpu"} of all, each thread with a connection of its own unless S
{"do": "list"}, {"do": "stats"}: {"wall", "cpu", "count"} of one call that is about all machines
{"do": "trigger", "times": N, "pause": P}: pauses and resumes the machine: {"asked": [when, ...]}
{"do": "watch", "times": N}: {"watching": true} once it listens, then {"seen": [when, ...]} of so many events
"""

import argparse
import json
import statistics
import sys
import threading
import time

import libvirt


class Client:
    def __init__(self, uri, machine):
        self.uri, self.machine = uri, machine
        self.connections = [libvirt.open(uri)]

    def handles(self, count, shared):
        """The machine, as each of so many threads has it."""
        while not shared and len(self.connections) < count:
            self.connections.append(libvirt.open(self.uri))
        return [self.connections[0 if shared else at].lookupByUUIDString(self.machine) for at in range(count)]

    def latency(self, calls):
        (machine,) = self.handles(1, True)
        for _ in range(calls // 4):
            machine.state()
        times = []
        cpu = time.process_time()
        for _ in range(calls):
            begun = time.perf_counter()
            machine.state()
            times.append(time.perf_counter() - begun)
        return {"median": statistics.median(times), "cpu": (time.process_time() - cpu) / calls}

    def throughput(self, calls, threads, shared):
        def work(machine):
            for _ in range(calls // threads):
                machine.state()

        workers = [threading.Thread(target=work, args=(machine,)) for machine in self.handles(threads, shared)]
        begun, cpu = time.monotonic(), time.process_time()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return {"wall": time.monotonic() - begun, "cpu": time.process_time() - cpu}

    def timed(self, question):
        begun, cpu = time.monotonic(), time.process_time()
        count = len(question())
        return {"wall": time.monotonic() - begun, "cpu": time.process_time() - cpu, "count": count}

    def list(self):
        return self.timed(self.connections[0].listAllDomains)

    def stats(self):
        return self.timed(lambda: self.connections[0].getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE))

    def trigger(self, times, pause):
        (machine,) = self.handles(1, True)
        asked = []
        for at in range(times):
            asked.append(time.monotonic())
            (machine.suspend if at % 2 == 0 else machine.resume)()
            time.sleep(pause)
        return {"asked": asked}

    def watch(self, times):
        seen = []
        connection = libvirt.open(self.uri)
        kind = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
        known = connection.domainEventRegisterAny(None, kind, lambda *_: seen.append(time.monotonic()), None)
        tell({"watching": True})
        while len(seen) < times:
            libvirt.virEventRunDefaultImpl()
        connection.domainEventDeregisterAny(known)
        connection.close()
        return {"seen": seen}


def tell(fact):
    print(json.dumps(fact), flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--connect", required=True)
    arguments.add_argument("--machine", required=True, help="its UUID")
    # The library's own loop costs every call a little, and is needed for events alone.
    arguments.add_argument("--events", action="store_true")
    options = arguments.parse_args()

    if options.events:
        libvirt.virEventRegisterDefaultImpl()
    client = Client(options.connect, options.machine)
    for line in sys.stdin:
        asked = json.loads(line)
        tell(getattr(client, asked.pop("do"))(**asked))


main()
