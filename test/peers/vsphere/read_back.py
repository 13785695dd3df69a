"""Says as JSON what a machine is, by VMware's own Python bindings: read_back.py PORT USER UUID, the password by VCSIM_PASSWORD."""

import json
import os
import ssl
import sys
import warnings

warnings.simplefilter("ignore")
from pyVim.connect import Disconnect, SmartConnect  # noqa: E402
from pyVmomi import vim  # noqa: E402

port, user, uuid = int(sys.argv[1]), sys.argv[2], sys.argv[3]
# A server of the test's own on loopback: what is looked at is the machine, not the way there.
context = ssl._create_unverified_context()
service = SmartConnect(host="127.0.0.1", port=port, user=user, pwd=os.environ["VCSIM_PASSWORD"], sslContext=context)
try:
    vm = service.RetrieveContent().searchIndex.FindByUuid(None, uuid, True, True)
    config = vm.config
    devices = config.hardware.device
    json.dump(
        {
            "name": vm.name,
            "uuid": config.uuid,
            "instanceUuid": config.instanceUuid,
            "guestId": config.guestId,
            "firmware": config.firmware,
            "cpus": config.hardware.numCPU,
            "memoryMB": config.hardware.memoryMB,
            "managedBy": [config.managedBy.extensionKey, config.managedBy.type],
            "extraConfig": {option.key: option.value for option in config.extraConfig if option.key.startswith("virtwright.")},
            "disks": [
                {
                    "file": device.backing.fileName,
                    "mode": device.backing.diskMode,
                    "controller": type(next(each for each in devices if each.key == device.controllerKey)).__name__.split(".")[-1],
                    "unit": device.unitNumber,
                }
                for device in devices
                if isinstance(device, vim.vm.device.VirtualDisk)
            ],
            "cards": [
                {
                    "type": type(device).__name__.split(".")[-1],
                    "network": getattr(device.backing, "deviceName", None),
                    "portgroup": getattr(getattr(device.backing, "port", None), "portgroupKey", None),
                    "mac": device.macAddress,
                }
                for device in devices
                if isinstance(device, vim.vm.device.VirtualEthernetCard)
            ],
        },
        sys.stdout,
    )
finally:
    Disconnect(service)
