import { randomUUID } from 'node:crypto';
import type { Input } from '../../cim/namespace.js';
import { textOfValue, typedValues } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import { machineOf } from '../machine-methods.js';
import { embedded, type Methods, objects, oneObject, serviceMethods } from '../methods.js';
import type { V2Objects } from './objects.js';

/** What a card's connection has beside its switch, such as its VLAN. */
export function featureMethods(host: Host, shown: V2Objects): Methods {
  return serviceMethods(host, 'Msvm_VirtualSystemManagementService', {
    AddFeatureSettings: (input) => add(host, shown, input),
    RemoveFeatureSettings: (input) => remove(host, input),
  });
}

function add(host: Host, shown: V2Objects, input: Input) {
  const connection = oneObject(input, 'AffectedConfiguration');
  const machine = machineOf(host, connection);
  const id = textOfValue(connection, 'InstanceID') ?? '';
  const added = embedded(input, 'FeatureSettings').map(({ className, values }) => {
    const cimClass = host.words.classes.find(className);
    const typed = cimClass === undefined ? values : typedValues(cimClass, values);
    return [`${id}\\${randomUUID().toUpperCase()}`, { connection: id, className, values: typed }] as const;
  });
  machine.features = new Map([...machine.features, ...added]);
  machine.writes += 1;
  const ids: readonly string[] = added.map(([key]) => key);
  return { ResultingFeatureSettings: shown.features(machine).filter(({ values }) => ids.includes(String(values['InstanceID']))) };
}

function remove(host: Host, input: Input) {
  for (const feature of objects(input, 'FeatureSettings')) {
    const machine = machineOf(host, feature);
    machine.features = new Map([...machine.features].filter(([id]) => id !== textOfValue(feature, 'InstanceID')));
    machine.writes += 1;
  }
  return {};
}
