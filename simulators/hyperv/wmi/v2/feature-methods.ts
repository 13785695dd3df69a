import { randomUUID } from 'node:crypto';
import { codes, Refusal } from '../../cim/codes.js';
import type { Input } from '../../cim/namespace.js';
import { textOfValue, typedValues, type Values } from '../../cim/object.js';
import type { Host } from '../../model/host.js';
import type { Machine } from '../../model/machine.js';
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
  if (machine.device(id)?.values['ResourceType'] !== host.words.types.connection)
    throw new Refusal(codes.cim.invalidParameter, `'${id}' is no connection of '${machine.name}'.`);
  for (const { className, values } of embedded(input, 'FeatureSettings')) mustFit(machine, id, className, values);
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

/** A connection has one VLAN, with a tag from 1 to 4094; it is not changed, but taken away. */
function mustFit(machine: Machine, connection: string, className: string, values: Values): void {
  const has = [...machine.features.values()].some((each) => each.connection === connection && each.className === className);
  if (has) throw new Refusal(codes.cim.failed, `The connection has a ${className} already.`);
  const tag = Number([values['AccessVlanId'] ?? 0].flat()[0]);
  if (values['OperationMode'] === '1' && !(tag >= 1 && tag <= 4094))
    throw new Refusal(codes.cim.invalidParameter, `A VLAN cannot be ${tag}.`);
}

function remove(host: Host, input: Input) {
  for (const feature of objects(input, 'FeatureSettings')) {
    const machine = machineOf(host, feature);
    machine.features = new Map([...machine.features].filter(([id]) => id !== textOfValue(feature, 'InstanceID')));
    machine.writes += 1;
  }
  return {};
}
