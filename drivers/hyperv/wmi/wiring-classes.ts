import { wmiClass } from './class.js';
import { jobFields } from './classes.js';
import { list, reference, required, text, uint16 } from './property.js';

const service = ['CreationClassName', 'Name', 'SystemCreationClassName', 'SystemName'];
const end = required(reference);

/** All of this is of version 1 alone: what lies between a switch's port and a network adapter of the host's, or a VLAN, is an object each. */
export const internalPort = wmiClass({
  name: 'Msvm_InternalEthernetPort',
  keys: ['CreationClassName', 'DeviceID', 'SystemCreationClassName', 'SystemName'],
  common: { DeviceID: required(text), Name: text, ElementName: text },
});

/** An adapter's end of a connection: `Dependent` is the `Dependent` of a connection that there is. */
export const adapterEndpoint = wmiClass({
  name: 'Msvm_GlobalEthernetPortSAPImplementation',
  keys: [],
  common: { Antecedent: end, Dependent: end },
});
/** A port of a switch that is connected. */
export const activeConnection = wmiClass({ name: 'Msvm_ActiveConnection', keys: [], common: { Antecedent: end, Dependent: end } });

/** Of a port, its VLAN endpoint; of that, its settings. */
export const bindsTo = wmiClass({ name: 'Msvm_BindsTo', keys: [], common: { Antecedent: end, Dependent: end } });
export const elementSettings = wmiClass({
  name: 'Msvm_NetworkElementSettingData',
  keys: [],
  common: { ManagedElement: end, SettingData: end },
});
export const vlanEndpoint = wmiClass({
  name: 'Msvm_VLANEndpoint',
  keys: service,
  common: { Name: required(text), DesiredEndpointMode: uint16, SupportedEndpointModes: list(uint16) },
});
export const vlanEndpointSettings = wmiClass({
  name: 'Msvm_VLANEndpointSettingData',
  common: { InstanceID: required(text), AccessVLAN: uint16, TrunkedVLANList: list(uint16) },
});

/** What sets up switches, and takes them apart. */
export const networkJob = wmiClass({ name: 'Msvm_NetworkJob', ...jobFields });
