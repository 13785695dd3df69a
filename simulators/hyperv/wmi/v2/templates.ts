import type { CimObject } from '../../cim/object.js';

/** From which clients learn defaults and bounds: `InstanceID LIKE 'Microsoft:Definition%Maximum'`. */
export const templates: readonly CimObject[] = [
  template('Msvm_ProcessorSettingData', '3', 'Processor', 'B637F347-6A0E-4DEC-AF52-BD70CB80A21D', {
    Maximum: '64',
    Minimum: '1',
    Default: '1',
  }),
  template('Msvm_MemorySettingData', '4', 'Memory', '4764334E-E001-4176-82EE-5594EC9B530E', {
    Maximum: '1048576',
    Minimum: '32',
    Default: '1024',
  }),
  template('Msvm_ResourceAllocationSettingData', '17', 'Physical Disk Drive', '118C3BE5-0D31-4804-85F0-5C6074ABEA8F', { Default: '1' }),
  template('Msvm_ResourceAllocationSettingData', '17', 'Synthetic Disk Drive', '118C3BE5-0D31-4804-85F0-5C6074ABEA8E', { Default: '1' }),
  template('Msvm_ResourceAllocationSettingData', '16', 'Synthetic DVD Drive', '70BB60D2-A9D3-46AA-B654-3DE53004B4F8', { Default: '1' }),
  template('Msvm_ResourceAllocationSettingData', '6', 'Synthetic SCSI Controller', 'BA6163D9-04A1-4D29-B605-72E2FFB1DC7F', {
    Default: '1',
  }),
  template('Msvm_StorageAllocationSettingData', '31', 'Virtual Hard Disk', '70BB60D2-A9D3-46AA-B654-3DE53004B4F9', { Default: '1' }),
  template('Msvm_SyntheticEthernetPortSettingData', '10', 'Synthetic Ethernet Port', 'F8615163-DF3E-46C5-913F-F2D2F965ED0E', {
    Default: '1',
  }),
  template('Msvm_EthernetPortAllocationSettingData', '33', 'Ethernet Connection', '72027ECE-E44A-446E-AF2B-8D8C4B8A2279', { Default: '1' }),
].flat();

function template(
  className: string,
  type: string,
  name: string,
  guid: string,
  bounds: Readonly<Record<string, string>>,
): readonly CimObject[] {
  return Object.entries(bounds).map(([bound, quantity]) => ({
    className,
    values: {
      InstanceID: `Microsoft:Definition\\${guid}\\${bound}`,
      ElementName: name,
      ResourceType: type,
      ResourceSubType: `Microsoft:Hyper-V:${name}`,
      VirtualQuantity: quantity,
      // An array that is there, with one element, as libvirt's client reads the first without a look.
      ...(name === 'Physical Disk Drive'
        ? {
            HostResource: [
              `\\\\HOST\\root\\virtualization\\v2:Msvm_DiskDrive.CreationClassName="Msvm_DiskDrive",DeviceID="Microsoft:NODRIVE"`,
            ],
          }
        : {}),
    },
  }));
}
