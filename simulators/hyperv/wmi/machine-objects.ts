import type { CimObject, Values } from '../cim/object.js';
import { type Device, parentMark } from '../model/device.js';
import type { Host } from '../model/host.js';
import { descriptions } from '../model/languages.js';
import type { Machine } from '../model/machine.js';

/** What both versions show of a machine. */
export class MachineObjects {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  system(machine: Machine): CimObject {
    const { transition, startedAt, processId, words, isMerging } = machine;
    const said = descriptions[this.#host.options.language];
    const uptime = startedAt === undefined ? 0 : Date.now() - startedAt;
    return {
      className: 'Msvm_ComputerSystem',
      values: {
        ...said.machine,
        ElementName: machine.name,
        Name: machine.id,
        CreationClassName: 'Msvm_ComputerSystem',
        InstallDate: String(machine.settings['CreationTime'] ?? ''),
        OperationalStatus: [transition === undefined ? '2' : '11', ...(isMerging ? ['32772'] : [])],
        StatusDescriptions: [transition === undefined ? said.well : 'In service', ...(isMerging ? ['Merging disks'] : [])],
        Status: 'OK',
        HealthState: machine.isStarved ? '25' : '5',
        EnabledState: String(machine.enabledState),
        ...(transition === 'saving' || transition === 'pausing' ? { OtherEnabledState: transition } : {}),
        RequestedState: '5',
        ResetCapability: '1',
        EnabledDefault: startedAt === undefined ? '3' : '2',
        TimeOfLastStateChange: new Date(machine.changedAt).toISOString(),
        TimeOfLastConfigurationChange: new Date(machine.configuredAt).toISOString(),
        OnTimeInMilliseconds: String(uptime),
        ...(processId === undefined ? {} : { ProcessID: String(processId) }),
        ...(words.mode === 'v2' ? onlyNew(startedAt !== undefined) : {}),
      },
    };
  }

  /** The host itself, which is of the same class. */
  hostSystem(): CimObject {
    const { server, language } = this.#host.options;
    return {
      className: 'Msvm_ComputerSystem',
      values: {
        ...descriptions[language].host,
        ElementName: server,
        Name: server,
        CreationClassName: 'Msvm_ComputerSystem',
        OperationalStatus: ['2'],
        HealthState: '5',
        EnabledState: '2',
        RequestedState: '12',
        EnabledDefault: '2',
        NumberOfNumaNodes: '1',
        ResetCapability: '1',
        Status: 'OK',
        StatusDescriptions: ['OK'],
      },
    };
  }

  devices(machine: Machine, devices = machine.devices, instanceId = machine.instanceId): readonly CimObject[] {
    const byMark = new Map(devices.map((each) => [parentMark(each), each]));
    const shown = ({ className, suffix, values }: Device) => ({ className, values: { ...values, InstanceID: instanceId + suffix } });
    return devices.map((each) => {
      const { className, values } = shown(each);
      const parent = byMark.get(String(each.values['Parent'] ?? ''));
      return { className, values: parent === undefined ? values : { ...values, Parent: this.#host.path(shown(parent)) } };
    });
  }

  /** What a running guest has beside the settings: keyboard, and with integration services more. */
  logical(machine: Machine): readonly CimObject[] {
    const component = (className: string, name: string, deviceId: string, more: Values = {}): CimObject => ({
      className,
      values: {
        ElementName: name,
        Caption: name,
        Name: name,
        CreationClassName: className,
        DeviceID: `Microsoft:${deviceId}`,
        SystemCreationClassName: 'Msvm_ComputerSystem',
        SystemName: machine.id,
        EnabledState: '2',
        OperationalStatus: ['2'],
        HealthState: '5',
        RequestedState: '12',
        ...more,
      },
    });
    const keyboard = component('Msvm_Keyboard', 'Keyboard', '1C1D25FC-5D44-4A05-9BCA-8B5E8A0DF3D9');
    if (machine.state !== 'running') return [keyboard];
    const integration = machine.guest.integration
      ? [
          component('Msvm_ShutdownComponent', 'Shutdown', '1E0A5A5E-8B5E-4E6D-B4B5-2E53BEA1B4C3'),
          component('Msvm_HeartbeatComponent', 'Heartbeat', '84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47'),
          component('Msvm_KvpExchangeComponent', 'Key-Value Pair Exchange', '2A34B1C2-FD73-4043-8A5B-DD2159BC743F', kvp(machine)),
        ]
      : [];
    return [keyboard, ...integration, ...display(component)];
  }

  /** One counter for each processor that runs; time in units of 100 ns. */
  counters(machine: Machine): readonly CimObject[] {
    if (machine.startedAt === undefined) return [];
    const count = machine.number('Msvm_ProcessorSettingData', 'VirtualQuantity');
    const ran = String((Date.now() - machine.startedAt) * 1000);
    return Array.from({ length: count }, (_, index) => ({
      className: 'Win32_PerfRawData_HvStats_HyperVHypervisorVirtualProcessor',
      values: {
        Name: `${machine.name}:Hv VP ${index}`,
        PercentTotalRunTime: ran,
        PercentGuestRunTime: ran,
        Frequency_Sys100NS: '10000000',
      },
    }));
  }

  cards(machine: Machine) {
    return machine.devices.filter(({ values }) => values['ResourceType'] === machine.words.types.card);
  }
}

/** What came with version 2: no machine here is replicated. */
const onlyNew = (isOn: boolean): Values => ({
  NumberOfNumaNodes: '1',
  EnhancedSessionModeState: isOn ? '6' : '3',
  FailedOverReplicationType: '0',
  LastApplicationConsistentReplicationTime: never,
  LastReplicationTime: never,
  LastReplicationType: '0',
  ReplicationHealth: '0',
  ReplicationMode: '0',
  ReplicationState: '0',
});

/** As Windows writes that something never was. */
const never = '1601-01-01T00:00:00Z';

type Component = (className: string, name: string, deviceId: string, more?: Values) => CimObject;

function display(component: Component): readonly CimObject[] {
  const head = { CurrentHorizontalResolution: '640', CurrentVerticalResolution: '480', CurrentBitsPerPixel: '32' };
  return [
    component('Msvm_SyntheticDisplayController', 'Display', '0F1D7F6A-2B3E-4C7F-9C5B-2C6B4D2B1F11'),
    component('Msvm_S3DisplayController', 'S3 Display', '0F1D7F6A-2B3E-4C7F-9C5B-2C6B4D2B1F12'),
    component('Msvm_VideoHead', 'Video Head', '0F1D7F6A-2B3E-4C7F-9C5B-2C6B4D2B1F11\\0', head),
  ];
}

function kvp({ guest }: Machine): Values {
  const item = (name: string, data: string) =>
    `<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem"><PROPERTY NAME="Caption" TYPE="string"></PROPERTY>` +
    `<PROPERTY NAME="Data" TYPE="string"><VALUE>${escaped(data)}</VALUE></PROPERTY>` +
    `<PROPERTY NAME="Name" TYPE="string"><VALUE>${escaped(name)}</VALUE></PROPERTY>` +
    `<PROPERTY NAME="Source" TYPE="uint16"><VALUE>2</VALUE></PROPERTY></INSTANCE>`;
  return { GuestIntrinsicExchangeItems: Object.entries(guest.items).map(([name, data]) => item(name, data)), GuestExchangeItems: [] };
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
