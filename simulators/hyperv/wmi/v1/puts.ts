import { type CimObject, textOfValue, type Values } from '../../cim/object.js';
import { problems } from '../../cim/problem.js';
import type { Host } from '../../model/host.js';
import type { Vlan } from '../../model/wiring.js';

/** Which of their properties are written, and what each is here. */
const writable: Readonly<Record<string, Readonly<Record<string, keyof Vlan>>>> = {
  Msvm_VLANEndpoint: { DesiredEndpointMode: 'mode' },
  Msvm_VLANEndpointSettingData: { AccessVLAN: 'access', NativeVLAN: 'native', TrunkedVLANList: 'trunked' },
};

/** The tags of a port: the only objects of version 1 that Put changes. What is given of them as it is stays as it is. */
export function putVlan(host: Host, { className, values }: CimObject, given: Values): boolean {
  const fields = writable[className];
  if (fields === undefined) return false;
  const isSame = (name: string) => String(given[name]) === String(values[name]);
  const changed = Object.keys(given).filter((name) => !isSame(name));
  if (!changed.every((name) => Object.hasOwn(fields, name))) return false;
  const port = textOfValue({ className, values }, 'Name') ?? /^Microsoft:(.*)\\Root$/.exec(String(values['InstanceID']))?.[1] ?? '';
  for (const name of changed) {
    const field = fields[name] ?? 'mode';
    const all = [given[name] ?? []].flat();
    check(name, field, all);
    host.wiring.tag(port, { [field]: field === 'trunked' ? all : (all[0] ?? '0') });
  }
  return true;
}

function check(name: string, field: keyof Vlan, all: readonly string[]): void {
  const isRight = (text: string) => (field === 'mode' ? ['2', '5'].includes(text) : /^\d+$/.test(text) && Number(text) <= 4094);
  if (!all.every(isRight)) throw problems.invalid(`${name} cannot be ${all.join(', ')}`);
}
