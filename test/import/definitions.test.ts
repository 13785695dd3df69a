import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { MachineId, Mark } from '#drivers/driver.js';
import { DriverError } from '#drivers/error.js';
import { dialectOf } from '#drivers/libvirt/dialects/by-driver.js';
import { machineOf } from '#drivers/libvirt/machines.js';
import { withFoundNames } from '#drivers/libvirt/xml/found-names.js';
import { mapChildren } from '#drivers/xml/edit.js';
import { parseXml } from '#drivers/xml/parse.js';
import { serializeXml } from '#drivers/xml/serialize.js';
import type { XmlElement } from '#drivers/xml/tree.js';
import { buildPeer, skipWhereMissing } from '#test/peers/build.js';
import { take } from './taken.js';

// What libvirt's own tests have of machines: nobody here wrote them, and many are odd.
const folder = await buildPeer('definitions').catch((reason) => skipWhereMissing(t, reason));
const drivers = ['qemu', 'lxc', 'xen'] as const;
type Tried = (typeof drivers)[number];

const mark: Mark = { owner: { cluster: 'here', namespace: 'default', name: 'x', uid: 'u' }, record: '' };
const off = { id: 'x' as MachineId, power: { state: 'Off', reason: 'Unknown' } } as const;

/** Undefined for what is no definition of a machine. */
function domainIn(path: string): XmlElement | undefined {
  const root = parseXml(readFileSync(path, 'utf8'), path);
  const isWhole =
    root.name === 'domain' && ['name', 'uuid'].every((name) => root.children.some((one) => one.kind === 'element' && one.name === name));
  return isWhole ? root : undefined;
}

/** Without what an adoption is about, and without what libvirt itself adds to each definition that it is given. */
const bare = (of: XmlElement): XmlElement =>
  mapChildren(of, (node) => {
    if (node.kind !== 'element') return node.kind === 'text' && node.text.trim() === '' ? undefined : node;
    return ['alias', 'metadata'].includes(node.name) || isOfLibvirt(node, of) ? undefined : bare(usual(node));
  });

const isOfLibvirt = ({ name, attributes, children }: XmlElement, within: XmlElement): boolean =>
  (name === 'vcpu' && within.name === 'domain' && children.every((each) => each.kind === 'text' && each.text === '1')) ||
  (name === 'devices' && children.length === 0) ||
  (name === 'driver' &&
    within.name === 'disk' &&
    attributes.every((one) => one.name === 'name' || (one.name === 'type' && one.value === 'raw')));

const usual = (node: XmlElement): XmlElement =>
  node.name === 'driver' ? { ...node, attributes: node.attributes.filter((one) => one.name !== 'type' || one.value !== 'raw') } : node;

/** Of how many there was what. */
const tally = new Map<string, number>();
const count = (what: string): void => {
  tally.set(what, (tally.get(what) ?? 0) + 1);
};

function tried(t: Test, driver: Tried, name: string): void {
  const dialect = dialectOf(driver);
  const what = `${driver}/${name}`;
  const domain = domainIn(join(folder, driver, name));
  if (domain === undefined) {
    count('no whole machine');
    return;
  }
  const machine = machineOf(dialect, off, domain, undefined, domain);
  const taken = take(machine);
  count(`${driver} ${taken.kind}`);
  if (taken.kind === 'left') {
    t.match(taken.because, /^machine [\s\S]+: \S/, `${what}: it is said what is left out, and why`);
    return;
  }
  t.strictSame(taken.first, ['adopt'], `${what}: taken, and no more`);
  t.strictSame(taken.next, [], `${what}: and nothing is to be done`);
  const shape = machine.found?.shape;
  if (shape === undefined) return;
  const named = withFoundNames(domain, dialect.readShape);
  try {
    const edited = dialect.edit(named, { ...shape, uuid: machine.uuid, nativeName: machine.nativeName }, mark);
    t.equal(serializeXml(bare(edited)), serializeXml(bare(domain)), `${what}: its next definition has all that it had`);
  } catch (reason) {
    if (!(reason instanceof DriverError)) throw reason;
    count(`${driver} refused when it is changed`);
    t.match(reason.message, /\S/);
  }
}

for (const driver of drivers)
  t.test(`each of libvirt's own for ${driver} is imported and left alone, or left out with a reason`, async (t) => {
    for (const name of readdirSync(join(folder, driver)).sort()) {
      try {
        tried(t, driver, name);
      } catch (reason) {
        if (!(reason instanceof DriverError)) t.fail(`${driver}/${name}: ${reason instanceof Error ? reason.stack : reason}`);
        else count(`${driver} unreadable`);
      }
    }
  });

t.test('and not all of them are left out', async (t) => {
  t.comment(JSON.stringify(Object.fromEntries([...tally].sort())));
  for (const driver of drivers) t.ok((tally.get(`${driver} taken`) ?? 0) > 0, driver);
});
