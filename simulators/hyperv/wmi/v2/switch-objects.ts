import { type CimObject, textOfValue } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { type Switch, switchName } from '../../model/switch.js';
import type { Associated, Group } from '../objects.js';

/** Switches, and the cards of the host that they may lead to. */
export class SwitchObjects {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  get groups(): readonly Group[] {
    const all = () => [...this.#host.switches.values()];
    return [
      { of: ['Msvm_VirtualEthernetSwitch'], objects: () => all().map((each) => this.switch(each)) },
      { of: ['Msvm_VirtualEthernetSwitchSettingData'], objects: () => all().map((each) => this.switchSettings(each)) },
      { of: ['Msvm_EthernetPortAllocationSettingData'], objects: () => all().flatMap((each) => this.ports(each)) },
      { of: ['Msvm_ExternalEthernetPort'], objects: () => this.#host.adapters.map(({ id }) => this.adapter(id)) },
    ];
  }

  switch(of: Switch): CimObject {
    const values = {
      Caption: 'Virtual Switch',
      Description: 'Microsoft Virtual Switch',
      ElementName: switchName(of),
      Name: of.id,
      CreationClassName: 'Msvm_VirtualEthernetSwitch',
      OperationalStatus: ['2'],
      HealthState: of.health,
      EnabledState: '5',
      RequestedState: '12',
      EnabledDefault: '2',
      MaxIOVOffloads: '0',
      MaxVMQOffloads: '0',
      Dedicated: ['38'],
      ResetCapability: '5',
      Status: 'OK',
      StatusDescriptions: ['OK'],
    };
    return { className: 'Msvm_VirtualEthernetSwitch', values };
  }

  switchSettings({ id, settings }: Switch): CimObject {
    const values = {
      ...settings,
      InstanceID: `Microsoft:${id}`,
      VirtualSystemIdentifier: id,
      VirtualSystemType: 'DMTF:Virtual Ethernet Switch',
    };
    return { className: 'Msvm_VirtualEthernetSwitchSettingData', values };
  }

  ports({ id, ports }: Switch): readonly CimObject[] {
    return ports.map(({ className, suffix, values }) => ({ className, values: { ...values, InstanceID: `Microsoft:${id}${suffix}` } }));
  }

  adapter(id: string): CimObject {
    const { name, mac } = this.#host.adapters.find((each) => each.id === id) ?? { name: '', mac: '' };
    const isBound = [...this.#host.switches.values()].some(({ ports }) =>
      ports.some(({ values }) => String(values['HostResource']).includes(id)),
    );
    const values = {
      ElementName: name,
      Name: name,
      DeviceID: `Microsoft:{${id}}`,
      CreationClassName: 'Msvm_ExternalEthernetPort',
      SystemCreationClassName: 'Msvm_ComputerSystem',
      SystemName: this.#host.options.server,
      PermanentAddress: mac,
      EnabledState: '2',
      HealthState: '5',
      OperationalStatus: ['2'],
      IsBound: String(isBound),
    };
    return { className: 'Msvm_ExternalEthernetPort', values };
  }

  associated(of: CimObject): Associated {
    const id = (textOfValue(of, 'VirtualSystemIdentifier') ?? textOfValue(of, 'Name') ?? '').toUpperCase();
    const found = this.#host.switches.get(id);
    if (found === undefined) return [];
    if (of.className === 'Msvm_VirtualEthernetSwitch') return [['Msvm_SettingsDefineState', this.switchSettings(found)]];
    const ports = this.ports(found).map((each) => ['Msvm_VirtualEthernetSwitchSettingDataComponent', each] as const);
    return [['Msvm_SettingsDefineState', this.switch(found)], ...ports];
  }
}
