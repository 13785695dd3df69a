#!/usr/bin/python3
"""A second opinion about vSphere, by VMware's own client library: what is there, and what another hand does to it.

Reads requests from standard input, one JSON object a line, and answers each with a line: {"ok": …} or {"error": …}. The first one logs in:
{"host", "port", "username", "password"}; the password is in no argument. The others say what to do, and with what. Leaves with its input.
"""
import json
import ssl
import sys
import time

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import VmomiSupport, vim, vmodl

SERIAL = vim.vm.device.VirtualSerialPort
DISK = vim.vm.device.VirtualDisk
CARD = vim.vm.device.VirtualEthernetCard

# A newer vCenter has a manager that this library does not know, and stumbles over.
VmomiSupport.CreateManagedType('vim.TenantManager', 'TenantTenantManager', 'vmodl.ManagedObject', 'vim.version.version1', [], [])
known = vim.ServiceInstanceContent._propInfo
known['tenantManager'] = VmomiSupport.Object(**{**vars(known['sessionManager']), 'name': 'tenantManager', 'type': vim.TenantManager})


class Onlooker:
    def __init__(self, host, port, username, password):
        # Which host it is was asked by others: this is about what it says.
        context = ssl._create_unverified_context()
        self.service = SmartConnect(host=host, port=port, user=username, pwd=password, sslContext=context)
        self.content = self.service.RetrieveContent()

    def all(self, kind):
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [kind], True)
        found = list(view.view)
        view.Destroy()
        return found

    def named(self, name):
        for machine in self.all(vim.VirtualMachine):
            if machine.name == name:
                return machine
        raise KeyError(f'no machine {name}')

    def machines(self):
        found = []
        for machine in self.all(vim.VirtualMachine):
            try:
                found.append(told(machine, self.power_of(machine)))
            except vmodl.fault.ManagedObjectNotFound:
                pass  # it went while we looked
        return found

    def value_of(self, thing, path):
        """By itself: what else is said beside it is more than the library reads of a simulator."""
        collector = vmodl.query.PropertyCollector
        properties = collector.PropertySpec(type=type(thing), pathSet=[path])
        spec = collector.FilterSpec(objectSet=[collector.ObjectSpec(obj=thing)], propSet=[properties])
        [found] = self.content.propertyCollector.RetrieveContents([spec])
        return found.propSet[0].val if found.propSet else None

    def power_of(self, machine):
        return self.value_of(machine, 'runtime.powerState')

    def finished(self, task):
        """What came of it. While it runs, the simulator says of it what the library does not take."""
        while self.value_of(task, 'info.state') in ('queued', 'running'):
            time.sleep(0.02)
        if self.value_of(task, 'info.state') == 'error':
            raise self.value_of(task, 'info.error')
        return self.value_of(task, 'info.result')

    def sessions(self):
        manager = self.content.sessionManager
        return [one.key for one in manager.sessionList if one.key != manager.currentSession.key]

    def files(self, datastore):
        """Paths of disks, folders and all else on a datastore."""
        [store] = [one for one in self.all(vim.Datastore) if one.name == datastore]
        spec = vim.host.DatastoreBrowser.SearchSpec(matchPattern=['*'])
        task = store.browser.SearchDatastoreSubFolders_Task(f'[{datastore}]', spec)
        found = self.finished(task)
        return sorted(folder.folderPath.rstrip('/') + '/' + file.path for folder in found for file in folder.file)

    def power(self, name, verb):
        machine = self.named(name)
        self.finished({'on': machine.PowerOn, 'off': machine.PowerOff, 'suspend': machine.Suspend}[verb]())

    def rename(self, name, to):
        self.finished(self.named(name).Rename(to))

    def reconfigure(self, name, cpus=None, memory=None, annotation=None, extra=None):
        spec = vim.vm.ConfigSpec(numCPUs=cpus, memoryMB=memory, annotation=annotation)
        spec.extraConfig = [vim.option.OptionValue(key=key, value=value) for key, value in (extra or {}).items()]
        self.finished(self.named(name).Reconfigure(spec))

    def unplug(self, name, kind):
        """Takes out every disk or card; the disks' files stay."""
        wanted = {'disks': DISK, 'cards': CARD}[kind]
        devices = [one for one in self.named(name).config.hardware.device if isinstance(one, wanted)]
        changes = [vim.vm.device.VirtualDeviceSpec(operation='remove', device=one) for one in devices]
        self.finished(self.named(name).Reconfigure(vim.vm.ConfigSpec(deviceChange=changes)))

    def unregister(self, name):
        self.named(name).Unregister()

    def destroy(self, name):
        """However often somebody starts it in between."""
        machine = self.named(name)
        while True:
            try:
                if self.power_of(machine) != 'poweredOff':
                    self.finished(machine.PowerOff())
                return self.finished(machine.Destroy())
            except vim.fault.InvalidPowerState:
                continue

    def create(self, name, datastore, uuid=None):
        """A machine of nobody we know, off and empty."""
        [datacenter] = self.content.rootFolder.childEntity
        # Of a cluster, where there is one.
        compute = self.all(vim.ClusterComputeResource) + self.all(vim.ComputeResource)
        pool, host = compute[0].resourcePool, compute[0].host[0]
        files = vim.vm.FileInfo(vmPathName=f'[{datastore}]')
        spec = vim.vm.ConfigSpec(name=name, numCPUs=1, memoryMB=64, guestId='otherGuest', files=files, instanceUuid=uuid, annotation='mine')
        task = datacenter.vmFolder.CreateVM_Task(spec, pool, host)
        return self.finished(task).config.instanceUuid


def told(machine, power):
    config = machine.config
    keys = {one.key: one for one in config.hardware.device}
    return {
        'id': machine._moId,
        'name': machine.name,
        'instanceUuid': config.instanceUuid,
        'uuid': config.uuid,
        'power': power,
        'cpus': config.hardware.numCPU,
        'memory': config.hardware.memoryMB,
        'guestId': config.guestId,
        'firmware': config.firmware,
        'annotation': config.annotation,
        'managedBy': config.managedBy and {'extensionKey': config.managedBy.extensionKey, 'type': config.managedBy.type},
        'extra': {one.key: one.value for one in config.extraConfig if one.key.startswith('virtwright.')},
        'disks': [
            {'file': one.backing.fileName, 'kilobytes': one.capacityInKB, 'controller': type(keys[one.controllerKey]).__name__.split('.')[-1]}
            for one in config.hardware.device
            if isinstance(one, DISK)
        ],
        'cards': [
            {'type': type(one).__name__.split('.')[-1], 'network': network(machine, one.backing), 'mac': one.macAddress}
            for one in config.hardware.device
            if isinstance(one, CARD)
        ],
        'serial': [one.backing.fileName for one in config.hardware.device if isinstance(one, SERIAL)],
    }


def network(machine, backing):
    if isinstance(backing, CARD.NetworkBackingInfo):
        return backing.deviceName
    for one in machine.network:
        if isinstance(one, vim.dvs.DistributedVirtualPortgroup) and one.key == backing.port.portgroupKey:
            return one.name
    return None


def main():
    onlooker = Onlooker(**json.loads(sys.stdin.readline()))
    print(json.dumps({'ok': None}), flush=True)
    try:
        for line in sys.stdin:
            request = json.loads(line)
            verb = getattr(onlooker, request.pop('do'))
            try:
                answer = {'ok': verb(**request)}
            except Exception as error:  # whatever went wrong is the answer
                answer = {'error': f'{type(error).__name__}: {getattr(error, "msg", error)}'}
            print(json.dumps(answer), flush=True)
    finally:
        Disconnect(onlooker.service)


if __name__ == '__main__':
    main()
