import { randomUUID } from 'node:crypto';
import type { CimObject, Values } from '../cim/object.js';
import type { Words } from './words.js';

/** One part of a machine: its class, and what stands in its setting data. */
export interface Device extends CimObject {
  /** What follows the machine's own part of the InstanceID. */
  readonly suffix: string;
}

interface Part {
  readonly className: string;
  readonly type: string;
  readonly subType: string;
  readonly name: string;
  readonly values?: Values;
  readonly suffix?: string;
}

const rasd = 'Msvm_ResourceAllocationSettingData';

export function device(words: Words, { className, type, subType, name, values = {}, suffix }: Part): Device {
  return {
    className,
    suffix: suffix ?? `\\${randomUUID().toUpperCase()}\\0`,
    values: {
      Caption: name,
      Description: `Settings for ${name}.`,
      ElementName: name,
      ...usual,
      ResourceType: type,
      ResourceSubType: words.subType(subType),
      ...values,
    },
  };
}

const usual: Values = {
  ConsumerVisibility: '3',
  VirtualQuantity: '1',
  Reservation: '1',
  Limit: '1',
  Weight: '0',
  AutomaticAllocation: 'true',
  AutomaticDeallocation: 'true',
  AllocationUnits: 'count',
};

/** With what a machine is born; `generation` 2 has neither IDE nor floppy. */
export function bornWith(words: Words, generation: 1 | 2): readonly Device[] {
  const { mode } = words;
  return [
    processor(words),
    memory(words),
    ...(generation === 1 ? oldHardware(words) : []),
    ...[1, 2].map((port) =>
      device(words, {
        className: mode === 'v2' ? 'Msvm_SerialPortSettingData' : rasd,
        type: words.types.serial,
        subType: 'Serial Port',
        name: `COM ${port}`,
        values: { Connection: [''] },
        suffix: `\\8E3A359F-559A-4B6A-98A9-1690A6100ED7\\${port - 1}`,
      }),
    ),
    device(words, { className: rasd, type: words.types.display, subType: 'Synthetic Display Controller', name: 'Display Controller' }),
  ];
}

export const processor = (words: Words): Device =>
  device(words, {
    className: 'Msvm_ProcessorSettingData',
    type: words.types.processor,
    subType: 'Processor',
    name: 'Processor',
    values: {
      Limit: '100000',
      Reservation: '0',
      Weight: '100',
      AllocationUnits: words.mode === 'v2' ? 'percent / 1000' : 'Processor Cores',
      LimitCPUID: 'false',
      LimitProcessorFeatures: 'false',
    },
    suffix: '\\B637F346-6A0E-4DEC-AF52-BD70CB80A21D\\0',
  });

export const memory = (words: Words): Device =>
  device(words, {
    className: 'Msvm_MemorySettingData',
    type: words.types.memory,
    subType: words.mode === 'v2' ? 'Memory' : 'Virtual Machine Memory',
    name: 'Memory',
    values: {
      VirtualQuantity: '1024',
      Reservation: '1024',
      Limit: '1048576',
      Weight: '5000',
      AllocationUnits: words.mode === 'v2' ? 'byte * 2^20' : 'MB',
      DynamicMemoryEnabled: 'false',
      TargetMemoryBuffer: '20',
    },
    suffix: '\\4764334D-E001-4176-82EE-5594EC9B530E',
  });

function oldHardware(words: Words): readonly Device[] {
  const ide = (channel: number) =>
    device(words, {
      className: rasd,
      type: words.types.ide,
      subType: 'Emulated IDE Controller',
      name: `IDE Controller ${channel}`,
      values: { Address: String(channel) },
      suffix: `\\83F8638B-8DCA-4152-9EDA-2CA8B33039B4\\${channel}`,
    });
  const floppyController = device(words, {
    className: rasd,
    type: words.types.other,
    subType: 'Virtual Diskette Controller',
    name: 'Diskette Controller',
    values: { Address: '0' },
    suffix: '\\8F0D2762-0B00-4E04-AF4F-19010527CB93\\0',
  });
  const floppyDrive = device(words, {
    className: rasd,
    type: words.types.floppyDrive,
    subType: 'Synthetic Diskette Drive',
    name: 'Diskette Drive',
    values: { [words.place]: '0', Parent: parentMark(floppyController) },
    suffix: '\\8F0D2762-0B00-4E04-AF4F-19010527CB93\\0\\0\\D',
  });
  return [ide(0), ide(1), floppyController, floppyDrive];
}

/** Stands for a path that is known only once it is known whose part it is. */
export const parentMark = ({ suffix }: Device): string => `<parent>${suffix}`;
