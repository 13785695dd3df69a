import { type CimObject, textOfValue, type Values } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Associated, Group } from '../objects.js';
import type { SwitchObjects } from './switch-objects.js';

interface Link {
  readonly className: string;
  readonly ends: Readonly<Record<string, CimObject>>;
}

/** What leads from a port of a switch to a network adapter of the host's, and to its VLAN. Associations are objects, too. */
export class WiringObjects {
  readonly #host: Host;
  readonly #switches: SwitchObjects;

  constructor(host: Host, switches: SwitchObjects) {
    this.#host = host;
    this.#switches = switches;
  }

  get groups(): readonly Group[] {
    const { wiring } = this.#host;
    return [
      { of: ['Msvm_ExternalEthernetPort'], objects: () => this.#host.adapters.map(({ id }) => this.external(id)) },
      { of: ['Msvm_InternalEthernetPort'], objects: () => [...wiring.internal.values()].map(({ name }) => this.internal(name)) },
      { of: ['Msvm_SwitchLANEndpoint'], objects: () => this.#adapters.map((each) => this.#lanEndpoint(each)) },
      { of: ['Msvm_VLANEndpoint'], objects: () => this.#ports.map((port) => this.vlanEndpoint(port)) },
      { of: ['Msvm_VLANEndpointSettingData'], objects: () => this.#ports.map((port) => this.vlanSettings(port)) },
      { of: linkClasses, objects: () => this.#links.map((link) => this.#linkObject(link)) },
    ];
  }

  external(id: string): CimObject {
    const { name = '', mac = '' } = this.#host.adapters.find((each) => each.id === id) ?? {};
    const values = { ElementName: name, Name: name, DeviceID: `{${id}}`, PermanentAddress: mac };
    return this.#adapter('Msvm_ExternalEthernetPort', { ...values, IsBound: String(this.#host.wiring.bound.has(id)) });
  }

  internal(name: string): CimObject {
    const { id = '', friendlyName = '', mac = '' } = this.#host.wiring.internal.get(name) ?? {};
    const values = { ElementName: friendlyName, Name: name, DeviceID: `{${id}}`, PermanentAddress: mac };
    return this.#adapter('Msvm_InternalEthernetPort', values);
  }

  vlanEndpoint(port: CimObject): CimObject {
    const { mode } = this.#host.wiring.vlan(nameOf(port));
    const { Name, ElementName, SystemName, SystemCreationClassName } = port.values;
    const values = {
      ...{ Name, ElementName, SystemName, SystemCreationClassName, CreationClassName: 'Msvm_VLANEndpoint' },
      ...{ DesiredEndpointMode: mode, OperationalEndpointMode: mode, SupportedEndpointModes: ['2', '5'] },
      ...{ EnabledState: '5', HealthState: '5', OperationalStatus: ['2'], OtherTypeDescription: 'Virtual Ethernet' },
    };
    return { className: 'Msvm_VLANEndpoint', values };
  }

  vlanSettings(port: CimObject): CimObject {
    const { access, native, trunked } = this.#host.wiring.vlan(nameOf(port));
    const values = {
      ...{ InstanceID: `Microsoft:${nameOf(port)}\\Root`, ElementName: port.values['ElementName'] },
      ...{ AccessVLAN: access, NativeVLAN: native, DefaultVLAN: '0', TrunkedVLANList: trunked.length === 0 ? undefined : trunked },
    };
    return { className: 'Msvm_VLANEndpointSettingData', values };
  }

  associated(of: CimObject): Associated {
    const path = this.#host.path(of);
    return this.#links.flatMap(({ className, ends }) => {
      const [one, other] = Object.values(ends);
      if (one === undefined || other === undefined) return [];
      if (this.#host.path(one) === path) return [[className, other] as const];
      return this.#host.path(other) === path ? [[className, one] as const] : [];
    });
  }

  get #ports(): readonly CimObject[] {
    return [...this.#host.switches.values()].flatMap((each) => this.#switches.ports(each));
  }

  /** Those that can be joined to a switch. */
  get #adapters(): readonly { readonly id: string; readonly shown: CimObject }[] {
    const { bound, internal } = this.#host.wiring;
    const own = [...bound].map((id) => ({ id, shown: this.external(id) }));
    return [...own, ...[...internal.values()].map(({ id, name }) => ({ id, shown: this.internal(name) }))];
  }

  get #links(): readonly Link[] {
    const { wiring } = this.#host;
    const adapters = this.#adapters;
    const ofPorts = this.#ports.flatMap((port) => {
      const [endpoint, settings] = [this.vlanEndpoint(port), this.vlanSettings(port)];
      const to = adapters.find(({ id }) => id === wiring.joinedTo(nameOf(port)));
      const joined = to && { className: 'Msvm_ActiveConnection', ends: { Antecedent: port, Dependent: this.#lanEndpoint(to) } };
      return [
        { className: 'Msvm_BindsTo', ends: { Antecedent: port, Dependent: endpoint } },
        { className: 'Msvm_NetworkElementSettingData', ends: { ManagedElement: endpoint, SettingData: settings } },
        ...(joined === undefined ? [] : [joined]),
      ];
    });
    const className = 'Msvm_GlobalEthernetPortSAPImplementation';
    return [...ofPorts, ...adapters.map((each) => ({ className, ends: { Antecedent: each.shown, Dependent: this.#lanEndpoint(each) } }))];
  }

  #linkObject({ className, ends }: Link): CimObject {
    return { className, values: Object.fromEntries(Object.entries(ends).map(([name, of]) => [name, this.#host.path(of)])) };
  }

  #lanEndpoint({ id, shown }: { readonly id: string; readonly shown: CimObject }): CimObject {
    const values = {
      ...{ Name: id, ElementName: shown.values['ElementName'], MACAddress: shown.values['PermanentAddress'] },
      ...{ SystemName: this.#host.options.server, SystemCreationClassName: 'Msvm_ComputerSystem' },
      ...{ CreationClassName: 'Msvm_SwitchLANEndpoint', Connected: String(this.#host.wiring.portOf(id) !== undefined) },
    };
    return { className: 'Msvm_SwitchLANEndpoint', values };
  }

  #adapter(className: string, values: Values): CimObject {
    const is = { CreationClassName: className, SystemCreationClassName: 'Msvm_ComputerSystem', SystemName: this.#host.options.server };
    return { className, values: { ...is, EnabledState: '5', HealthState: '5', OperationalStatus: ['2'], ...values } };
  }
}

const nameOf = (port: CimObject): string => textOfValue(port, 'Name') ?? '';

const linkClasses = ['Msvm_ActiveConnection', 'Msvm_BindsTo', 'Msvm_GlobalEthernetPortSAPImplementation', 'Msvm_NetworkElementSettingData'];
