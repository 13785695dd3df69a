#!/usr/bin/python3
"""How long a machine that somebody destroys stays off: from libvirt's STOPPED event to its STARTED event, beside what libvirt itself
takes to start the same machine. Needs `make demo` running. Prints JSON: milliseconds, medians of the rounds, and their difference.

usage: measure.py [--connect URI] [--domain NAME] [--rounds N]
"""
import argparse
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
import uuid
import xml.etree.ElementTree as xml

import libvirt


def watch(connection, name):
    """Appends (event, monotonic seconds) of one domain to the list that is returned."""
    seen, news = [], threading.Condition()

    def heard(_connection, domain, event, _detail, _opaque):
        if domain.name() == name:
            with news:
                seen.append((event, time.monotonic()))
                news.notify_all()

    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, heard, None)
    return seen, news


def undone(domain, seen, news):
    with news:
        seen.clear()
    domain.destroy()
    with news:
        if not news.wait_for(lambda: libvirt.VIR_DOMAIN_EVENT_STARTED in [event for event, _ in seen], timeout=60):
            raise SystemExit('the machine did not come back within a minute')
        at = dict(reversed(seen))
    return at[libvirt.VIR_DOMAIN_EVENT_STARTED] - at[libvirt.VIR_DOMAIN_EVENT_STOPPED]


def twin(connection, domain, folder):
    """The same machine under another name, with copies of its disks and no mark of ours."""
    tree = xml.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    tree.find('name').text = f'{domain.name()}.twin'
    tree.find('uuid').text = str(uuid.uuid4())
    tree.remove(tree.find('metadata'))
    for source in tree.findall('./devices/disk/source'):
        source.set('file', shutil.copy(source.get('file'), folder))
    return connection.defineXML(xml.tostring(tree, encoding='unicode'))


def own_start(domain):
    began = time.monotonic()
    domain.create()
    took = time.monotonic() - began
    time.sleep(2)
    domain.destroy()
    return took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--connect', default='qemu:///system')
    parser.add_argument('--domain', default='default.hello')
    parser.add_argument('--rounds', type=int, default=10)
    given = parser.parse_args()
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()
    connection = libvirt.open(given.connect)
    domain = connection.lookupByName(given.domain)
    seen, news = watch(connection, given.domain)
    ours, native = [], []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # QEMU's user opens what is in it
        other = twin(connection, domain, folder)
        try:
            for _ in range(given.rounds):
                ours.append(undone(domain, seen, news) * 1000)
                time.sleep(2)
                native.append(own_start(other) * 1000)
        finally:
            if other.isActive():
                other.destroy()
            other.undefine()
    median = {'undone': statistics.median(ours), 'ownStart': statistics.median(native)}
    report = {'rounds': given.rounds, 'milliseconds': {**median, 'above': median['undone'] - median['ownStart']}, 'undone': ours, 'ownStart': native}
    print(json.dumps(report, indent=2))


main()
